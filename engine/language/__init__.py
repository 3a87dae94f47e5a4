"""Words for people: texts with their blanks, Vietnamese as it is searched and sorted, what fits into an SMS, numbers
and names masked.
"""
