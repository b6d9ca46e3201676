"""What can be proved and shown: receipts, the logs they stand in, and the bundles that leave the house.

The formats (``signing``, ``dsse``, ``statement``, ``disclosure``, ``merkle``, ``note``, ``checkpoint``,
``policy_file``, ``bundle``, ``manifest``, ``verify``) are pure functions over bytes: the offline
verifier runs them on a machine that has neither a database nor a network.
"""
