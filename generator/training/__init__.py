"""How the embedded model is made: data, autoencoder, text encoder, denoiser, export, evaluation.

Each step is a module run as ``python -m generator.training.<step>``; a step reads what the
steps before it left in ``generator/training/var`` and can be stopped and run again.
"""
