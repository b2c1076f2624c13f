package child

import (
	"context"

	"github.com/richardlehane/mscfb"
)

// readOLE says why nothing is read of the container that old Office files are, and
// new ones as well when they have a password.
func readOLE(_ context.Context, src source) (Answer, error) {
	container, err := mscfb.New(src.ReaderAt)
	if err != nil {
		return Answer{}, err
	}
	for range maxEntries {
		e, err := container.Next()
		if err != nil {
			break
		}
		if e.Name == "EncryptedPackage" {
			return Answer{}, errPassword
		}
	}
	return Answer{}, errUnsupported
}
