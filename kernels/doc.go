// Package kernels finds, fetches, unpacks, builds and keeps the kernels that krepro
// boots. A reference names one:
//
//	debian:5.10.218-1                 a package version, exactly
//	debian:6.1                        the newest of a line (6, 6.1 or 6.1.192)
//	debian:5.10.0-30-cloud-amd64      a release, as uname -r prints it
//	debian:6.1/amd64                  another flavour than cloud-amd64 (also rt-amd64)
//	./linux-image-….deb               a package file (parts of a split kernel beside it)
//	/boot/vmlinuz-6.1.0-56-amd64      a boot image, with config, System.map and modules
//	                                  beside it or named by the fields of Ref
//	tree:linux@HEAD~3+fix.patch       a kernel tree: folder, revision, patches
//	debian-source:5.10.223-1          Debian's linux-source (or newest of a line)
//
// Store.Get turns a reference into an Image: files in the cache, ready to boot.
// The cache is addressed by content: an entry's name is a hash over what it was
// made of, it becomes visible by one rename, and two processes that want the
// same one fill it once. Nothing is fetched for an entry that is there.
//
// Which package a Debian reference means, and its SHA-256, come from the
// project's lock file (kernels.lock, Pins) if that names the version, else from
// the signed indexes (package debian), kept as a catalogue in the cache. The
// catalogue is renewed when it does not know the reference, or when it is older
// than a day and the kernel has to be fetched anyway.
//
// A tree is built by packages source (a private repository, a check-out), configs
// (options) and build (make). Its entry is addressed by all that goes in; what
// came out is known by event.Build.Code. docs/build.md tells more.
//
// Layout of the cache:
//
//	images/ID/     image.json vmlinuz vmlinux config System.map kernel-*.btf lib/modules/REL,
//	               and what was found out about the kernel (Image.Keep)
//	tmp/           entries in the making, and their locks
//	apt/           private apt state and catalogue.json
//	sources/       private repositories of trees that are built
//	trees/         build folders: src, obj, index, build.log
//
// Errors are of three kinds: *RefError, the reference is at fault,
// *UnavailableError, the kernel could not be had, and *BuildError, its tree cannot
// be built.
package kernels
