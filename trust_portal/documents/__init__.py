"""How the house looks on screen and paper: HTML, PDF, CSV, charts. Renders models, knows no domain."""
