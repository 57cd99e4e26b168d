"""Providers to test and demonstrate with: an SMS gateway and a mail server on loopback.

They are real servers with the habits of real ones: they fail, dawdle, and say things twice.
"""
