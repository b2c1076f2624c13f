package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"parley/shared/bill"
)

// functionLogs is what the names of functions' log groups begin with.
const functionLogs = "/aws/lambda/"

// isReport matches what the subscription of the billing template matches. The
// embedded AWS doesn't know patterns with alternatives, so that it is done here.
func isReport(message string) bool {
	return strings.Contains(message, "REPORT RequestId") || strings.Contains(message, "platform.report")
}

// event and batch are what a subscription of CloudWatch Logs delivers.
type event struct {
	ID      string `json:"id"`
	At      int64  `json:"timestamp"`
	Message string `json:"message"`
}

type batch struct {
	Type   string   `json:"messageType"`
	Group  string   `json:"logGroup"`
	Filter []string `json:"subscriptionFilters"`
	Events []event  `json:"logEvents"`
}

// collect copies the REPORT lines of [from, to) out of CloudWatch Logs into a bucket,
// in the form in which a subscription would have brought them there: a file for each
// function and hour. To repeat it is harmless. It returns how many there are.
func collect(ctx context.Context, logs *cloudwatchlogs.Client, to bill.Bucket, from, until time.Time, progress func(what string, done, of int)) (lines int, err error) {
	groups, err := functionGroups(ctx, logs)
	if err != nil {
		return 0, err
	}
	for i, group := range groups {
		progress("log groups", i, len(groups))
		hours, err := read(ctx, logs, group, from, until)
		if err != nil {
			return lines, err
		}
		for hour, events := range hours {
			lines += len(events)
			file, err := pack(batch{"DATA_MESSAGE", group, []string{"bill"}, events})
			if err != nil {
				return lines, err
			}
			name := hour.Format(bill.LinesPrefix+"2006/01/02/15/") + group[len(functionLogs):] + ".gz"
			if err := to.Put(ctx, name, "application/gzip", file); err != nil {
				return lines, err
			}
		}
	}
	progress("log groups", len(groups), len(groups))
	return lines, nil
}

func functionGroups(ctx context.Context, logs *cloudwatchlogs.Client) (groups []string, _ error) {
	in := &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String(functionLogs)}
	for pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(logs, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("the embedded AWS of make run can't be reached (is it running?): %w", err)
		}
		for _, g := range page.LogGroups {
			groups = append(groups, aws.ToString(g.LogGroupName))
		}
	}
	return groups, nil
}

// read returns a group's reports by the hour.
func read(ctx context.Context, logs *cloudwatchlogs.Client, group string, from, until time.Time) (map[time.Time][]event, error) {
	hours := map[time.Time][]event{}
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group,
		StartTime: aws.Int64(from.UnixMilli()), EndTime: aws.Int64(until.UnixMilli() - 1)}
	for pages := cloudwatchlogs.NewFilterLogEventsPaginator(logs, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the logs of %s: %w", group, err)
		}
		for _, e := range page.Events {
			if !isReport(aws.ToString(e.Message)) {
				continue
			}
			at := aws.ToInt64(e.Timestamp)
			hour := time.UnixMilli(at).UTC().Truncate(time.Hour)
			hours[hour] = append(hours[hour], event{aws.ToString(e.EventId), at, aws.ToString(e.Message)})
		}
	}
	return hours, nil
}

// pack writes a batch as Firehose does: gzipped. Equal batches are equal files.
func pack(b batch) ([]byte, error) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	err := json.NewEncoder(zip).Encode(b)
	if closing := zip.Close(); err == nil {
		err = closing
	}
	return out.Bytes(), err
}
