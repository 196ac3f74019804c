"""The gallery: inverse design of magneto-conductance by the recipes of Hirasaki, Inui and Saitoh (2024), and by mcd.

``python -m gallery`` in the repository's root draws every figure into docs/figures; ``python -m gallery --help`` says more.
"""
