"""The agents of the support desk: classification, drafts and merging as activities."""
