"""Service-level objectives: what is measured, under which key, in OpenSLO's words or a contract's."""
