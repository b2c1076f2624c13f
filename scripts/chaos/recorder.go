package main

import (
	"context"
	"errors"
)

func (r *run) record(ctx context.Context, i int) error { return errors.New("later") }
