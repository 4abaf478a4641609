"""The computation: tokens → model → train → artifact → adapters → ttt → score; torch, SentencePiece and zstandard only."""
