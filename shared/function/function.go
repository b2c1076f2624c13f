// Package function is the body of every Lambda function's main: settings from the
// environment, the AWS SDK's configuration, then one handler for as long as Lambda
// lets the process live.
package function

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"parley/shared/config"
	"parley/shared/store"
)

// Main makes a function's handler of its settings S and serves it. It is called
// once, by main, and doesn't return: a function whose settings can't be read logs
// why and ends with status 1, which Lambda reports as a failed initialisation.
//
// The handler is whatever aws-lambda-go takes, Lambda of an api.Service for
// instance.
func Main[S any](build func(set S, cfg aws.Config, log *slog.Logger) any) {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	set, err := config.Load[S]()
	if err != nil {
		fail(log, err)
	}
	cfg, err := store.AWS(context.Background())
	if err != nil {
		fail(log, err)
	}
	lambda.Start(build(set, cfg, log))
}

func fail(log *slog.Logger, err error) {
	log.Error("the function can't start", "error", err.Error())
	os.Exit(1)
}
