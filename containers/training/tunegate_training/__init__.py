"""Trains a LoRA adapter on a base model and writes it as PEFT files. Begin reading at `run.py`."""
