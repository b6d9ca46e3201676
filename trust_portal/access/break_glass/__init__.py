"""Emergency access: opened by one person with a reason, told to everybody, reviewed by two others."""
