// Package source keeps kernel source as git trees in private repositories, and
// checks them out for building. Where the source comes from stays as it is: of a
// git tree no file, index, reference or object changes, a plain folder is only
// read, and patches are applied in the private repository alone.
//
// A repository is one folder of the cache, bare:
//
//	OfGit     borrows the objects of a git tree (objects/info/alternates); of a
//	          work tree as it lies, the changed files are added to its own objects
//	OfFolder  has the files of a folder without git, and their index, so that only
//	          changed files are read again
//	Import    has the files of an archive
//
// Whoever calls makes sure that one process at a time works on a repository
// (Checkout, which only reads it, excepted) and on a folder to check out into.
package source
