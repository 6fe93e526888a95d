// Package chain reads the records of evidence that a suite writes of its
// connections, and says what single ones mean: the stuck signature in TCP_INFO
// ([Signature]), how a socket was destroyed, from a kernel stack
// ([Destruction]), whose key this is, from raw bytes ([DecodeKey]), and which
// symptoms a connection's record shows ([Symptoms]).
//
// A suite judges in the guest what it sees there and reports findings. The
// records are judged again here, on the host, by other code; where the two
// disagree, neither is to be trusted ([Spec.Contradictions]).
//
// It is pure: records in, conclusions out. docs/evidence.md has the records'
// schema.
package chain
