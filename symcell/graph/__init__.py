"""The frozen graph of one step: lowered from a cell, differentiated, checked, printed and interpreted."""
