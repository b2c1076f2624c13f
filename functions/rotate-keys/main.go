// Rotate-keys changes the signing key when that is due. A schedule calls it every
// hour; the first call of a new installation makes its first key. Of several regions
// the home of accounts does it for all.
package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"parley/shared/auth"
	"parley/shared/function"
	"parley/shared/kms"
	"parley/shared/region"
	"parley/shared/store"
)

type settings struct {
	AccountsTable string        `env:"ACCOUNTS_TABLE,required"`
	ChatsTable    string        `env:"CHATS_TABLE,required"`         // where regions beat
	Key           string        `env:"KMS_KEY_ID,required"`          // encrypts the signing keys
	Period        time.Duration `env:"KEY_PERIOD" envDefault:"720h"` // a key signs for about this long
	Lead          time.Duration `env:"KEY_LEAD" envDefault:"24h"`    // and is published this long before
	Region        region.Settings
}

func main() { function.Main(build) }

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	db := store.DynamoDB(cfg)
	rotator := &auth.Rotator{
		Keys: store.NewAccounts(db, c.AccountsTable), Maker: kms.New(cfg, c.Key),
		Schedule: auth.Schedule{Period: c.Period, Lead: c.Lead}, Now: time.Now, Log: log,
	}
	here := &region.Look{Settings: c.Region, Beats: store.NewChats(db, nil, c.ChatsTable, ""), Now: time.Now}
	return func(ctx context.Context) error {
		if !c.Region.Home() {
			return nil
		}
		if err := here.Serves(ctx); err != nil {
			return err // a home that was away may not be one any more, nor know the newest key
		}
		return rotator.Run(ctx)
	}
}
