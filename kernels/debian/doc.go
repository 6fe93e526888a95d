// Package debian knows where Debian keeps its kernels and fetches their
// packages.
//
// The machine's own apt configuration says where the archives are (Discover);
// no mirror is named here. From it Apt makes a private apt state in a folder of
// its own, so that neither the system's package lists nor its sources change,
// and lets apt itself fetch and verify the indexes of every suite in Suites:
// proxies, credentials and time-outs of the machine's configuration hold, and a
// signature that the archive keyring does not confirm is refused. What the
// signed indexes say of kernels becomes a Catalogue; packages are fetched by
// the paths in it and accepted by the SHA-256 in it.
//
// Nothing here relaxes apt's checks. A machine whose own configuration does
// (one that reads a dated snapshot has to ignore Valid-Until, say) keeps that
// setting. The old suites need no exception: their last Release files carry no
// Valid-Until.
//
// A kernel is one package (linux-image-REL with image and modules) up to 6.18,
// and three since (linux-binary-REL with the image, linux-base-REL with its
// configuration, linux-modules-REL), tied together by an empty linux-image-REL.
// Each exists signed for Secure Boot and unsigned; the signed one comes later
// and is the one people run. Indexes list kernels of which a part is no longer
// there; such a Kernel says what it lacks.
package debian
