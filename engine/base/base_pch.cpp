// Holds the precompiled header of base_pch.h; no code of its own.
