"""Why cost moved: the causes found in the figures, and the changes and operations that fit them."""
