// Package build makes a kernel of source that lies checked out: configuration
// from fragments on top of tinyconfig, make, the first error of a log, and the
// hash of the code that came out.
//
// A build does not depend on when, where and by whom: time, user, host, locale
// and the number of the build are fixed, and of the environment only what the
// compiler's cache needs is passed on. ccache is used if it is there.
package build
