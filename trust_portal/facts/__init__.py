"""What happened: one door for events, and the append-only record behind it.

An event is read (``reading``), held against what its type demands (``events``, ``rules``), staged
and stored exactly once (``storing``). Measurements have typed columns because reports read a month
of them at a time; everything else is a fact with its body as it came.
"""
