"""The vendor's product, simulated: a process of its own that knows the portal by its HTTP doors only.

``workload`` is what customers ask of it, ``plant`` how its systems answer, ``chronicle`` what its
people do and announce. Everything is a function of customer and time, so sending again is harmless.
"""
