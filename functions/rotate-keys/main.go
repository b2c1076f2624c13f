// Rotate-keys changes the signing key when that is due. A schedule calls it every
// hour; the first call of a new installation makes its first key.
package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"parley/shared/auth"
	"parley/shared/function"
	"parley/shared/kms"
	"parley/shared/store"
)

type settings struct {
	AccountsTable  string        `env:"ACCOUNTS_TABLE,required"`
	AccountsRegion string        `env:"ACCOUNTS_REGION"`              // where accounts and keys are written; empty: here
	Key            string        `env:"KMS_KEY_ID,required"`          // encrypts the signing keys
	Period         time.Duration `env:"KEY_PERIOD" envDefault:"720h"` // a key signs for about this long
	Lead           time.Duration `env:"KEY_LEAD" envDefault:"24h"`    // and is published this long before
}

func main() { function.Main(build) }

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	return (&auth.Rotator{
		Keys: store.NewAccounts(store.DynamoDBIn(cfg, c.AccountsRegion), c.AccountsTable), Maker: kms.New(cfg, c.Key),
		Schedule: auth.Schedule{Period: c.Period, Lead: c.Lead}, Now: time.Now, Log: log,
	}).Run
}
