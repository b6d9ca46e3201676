"""Replacing a key that signs: asked for by one, approved by two, said in every log by place."""
