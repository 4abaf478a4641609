"""The verdict on a sweep and its next step, which every command and page takes from here."""
