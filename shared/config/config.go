// Package config is the one way in which a Parley process learns its settings:
// the environment, decoded into a struct whose fields say what they are for.
package config

import (
	"fmt"

	"github.com/caarlos0/env/v11"
)

// Load fills a T from the environment by its `env` tags. Every variable that is
// missing or can't be read is named in the error at once.
func Load[T any]() (T, error) {
	c, err := env.ParseAs[T]()
	if err != nil {
		return c, fmt.Errorf("settings from the environment: %w", err)
	}
	return c, nil
}
