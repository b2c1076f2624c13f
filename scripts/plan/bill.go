package main

import (
	"maps"
	"slices"
	"strings"
)

const monthSeconds = 30 * 24 * 3600

// parts names what prices are for, in the order of the bill.
var parts = []struct{ part, prefix string }{
	{"API Gateway", "http_api"}, {"Lambda", "lambda"}, {"DynamoDB: writes", "dynamodb_write"}, {"DynamoDB: reads", "dynamodb_read"},
	{"SQS", "sqs"}, {"S3: requests", "s3_put"}, {"S3: requests", "s3_get"}, {"CDN, firewall", "cloudfront"}, {"CDN, firewall", "waf"},
	{"Load balancers", "alb"}, {"Egress", "egress"}, {"Valkey", "valkey"}, {"Logs", "logs"}, {"Mails", "ses"},
	{"Tables and their backup: the month's growth", "dynamodb_storage"}, {"Tables and their backup: the month's growth", "dynamodb_backup"},
	{"S3, files and indexes: the month's growth", "s3_storage"}, {"Malware scanner", "guardduty"},
}

// fleetParts are those that are paid by the hour, and what there is of them.
var fleetParts = map[string]string{"Relays": "relay", "Workers": "worker"}

// billed is the names of all parts, in order.
func billed() []string {
	var all []string
	for _, p := range parts {
		all = append(all, p.part)
	}
	return append(slices.Compact(all), slices.Sorted(maps.Keys(fleetParts))...)
}

// partOf is the part of the bill in which a price is; of one that is in none it is
// empty, and a test sees that there is none.
func partOf(price string) string {
	for _, p := range parts {
		if strings.HasPrefix(price, p.prefix) {
			return p.part
		}
	}
	return ""
}
