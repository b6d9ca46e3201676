"""The cost loop: metering, detection, explanation, remediation."""
