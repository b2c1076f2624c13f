package extract

import (
	"context"
	"os"
)

func (r Runner) cache(ctx context.Context, in *os.File) (string, error) { return "", nil }
