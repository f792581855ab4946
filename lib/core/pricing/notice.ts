// A call is rated by the book in force when it began, in a function that has been warm for days too, and asks for
// books at most now and then. So a book has to be published before its beginning, by more than everything that may lie
// between the publisher's look at the clock and the oldest copy in use: the control function's longest run (29 s), the
// age of a copy (30 s), and the clocks' differences.

/** The least time between a publication and the moment that the book comes in force. */
export const NOTICE_MS = 120_000;

/** Up to this age a copy of the books is used as it is. */
export const FRESH_MS = 10_000;

/** Up to this age it is used still, while a newer one is fetched behind the call's back. Past it the call waits. */
export const USABLE_MS = 30_000;
