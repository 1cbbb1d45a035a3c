"""What would it have cost? A programme is tried on a history, in order, by the evaluator that judges tills.

    history     what a member did, as plain values
    reading     the business's own journal as histories
    filing      a file of purchases as histories, nothing stored
    judge       one programme, or every published version in its days
    purse       what the member would have held
    present     the member as they are at that moment
    months      what came of it, month by month
    calendar    local months, within the span that is counted
    living      a history lived again
    worth       units in money, by the best perk they buy
    tally       sums, winners and losers
    counting    histories in, an answer out
    parting     a file's members over all cores
    answer      what is answered
    running     a backtest over the journal, one at a time for a business
    command     `loyalty backtest`

Invariant: nothing is written. Under the published versions the replay gives the ledger, unit for unit.
"""
