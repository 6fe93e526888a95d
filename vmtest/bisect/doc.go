// Package bisect decides in a bisection: which kernel to ask next, how many
// trials make a good answer, what the answers mean, and how sure that is. It is
// pure: kernels are asked, and a git history is walked, by functions that the
// caller gives it.
//
// Old and new are sides of the change that is sought, in the order of the
// history; good and bad are about the bug. The change that brought a bug has
// good on its old side, the one that fixed it bad.
//
//  1. Both ends are asked. They must differ, in the direction that is sought.
//  2. The end with the bug says how often the bug strikes a trial: k failures of
//     n, and from that the lowest rate that is to be reckoned with (Plan).
//  3. A failure settles a kernel at once. None settles it after so many trials
//     that all good answers together are right with the wanted confidence.
//  4. A kernel that cannot be asked is passed over. If only such are left, they
//     are the answer.
//  5. The first kernel on the new side and the last on the old one are asked
//     again, and must come out as before.
//
// Every answer is a Step. A bisection that was stopped is begun anew with the
// steps it had: they are taken in place of asking, so nothing is asked twice.
package bisect
