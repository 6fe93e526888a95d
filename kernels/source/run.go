package source

import "context"

// Git runs git as this package does: with the user's environment, but for what
// names a repository, and without the settings that change files. It returns
// what git printed, without white space at the ends.
func Git(ctx context.Context, args ...string) (string, error) { return git(ctx, nil, args...) }
