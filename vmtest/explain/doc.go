// Package explain tells the story that a VM's folder holds: what left a stale
// entry in the map, which connection ran into it, what each end's recvmsg went
// to, and where the request stayed. It is pure: files in, text out.
//
//	e, err := explain.Read(os.DirFS(vm))
//	s := explain.Tell(e, cases, explain.Filter{})
//	err = explain.Text(os.Stdout, s, 100)
//
// Each link of the chain carries the records that it rests on. What is
// concluded rather than observed is marked as inferred.
package explain
