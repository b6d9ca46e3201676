"""What a QBR says beyond the Trust Report's sections: commitments, usage, savings, recommendations."""
