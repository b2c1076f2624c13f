// Rotate-keys changes the signing key when that is due. A schedule calls it every
// hour; the first call of a new installation makes its first key.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"parley/shared/auth"
	"parley/shared/config"
	"parley/shared/kms"
	"parley/shared/store"
)

type settings struct {
	AccountsTable string        `env:"ACCOUNTS_TABLE,required"`
	Key           string        `env:"KMS_KEY_ID,required"`          // encrypts the signing keys
	Period        time.Duration `env:"KEY_PERIOD" envDefault:"720h"` // a key signs for about this long
	Lead          time.Duration `env:"KEY_LEAD" envDefault:"24h"`    // and is published this long before
}

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	r, err := rotator(context.Background(), log)
	if err != nil {
		log.Error("can't start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(r.Run)
}

func rotator(ctx context.Context, log *slog.Logger) (*auth.Rotator, error) {
	c, err := config.Load[settings]()
	if err != nil {
		return nil, err
	}
	cfg, err := store.AWS(ctx)
	if err != nil {
		return nil, err
	}
	return &auth.Rotator{
		Keys: store.NewAccounts(store.DynamoDB(cfg), c.AccountsTable), Maker: kms.New(cfg, c.Key),
		Schedule: auth.Schedule{Period: c.Period, Lead: c.Lead}, Now: time.Now, Log: log,
	}, nil
}
