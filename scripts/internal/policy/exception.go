package policy

import "fmt"

// Exception is a finding that stays, and why.
type Exception struct {
	Finding // Of and What are patterns
	Why     string
}

// Exceptions are all there are. One that excuses nothing is a finding itself.
var Exceptions = []Exception{
	{Finding: Finding{"*Function", Wide, "the policy AWSLambdaBasicExecutionRole is AWS's own"},
		Why: "SAM attaches it to every function's role that it makes: to write the function's log, and nothing else"},
	{Finding: Finding{"*Function", Wide, "the policy AWSXrayWriteOnlyAccess is AWS's own"},
		Why: "SAM attaches it where functions are traced: X-Ray knows no resources, and traces can't be read by it"},
	{Finding: Finding{"BackupRole", Wide, "the policy AWSBackupServiceRolePolicyFor* is AWS's own"},
		Why: "AWS Backup acts by them, and AWS adds what it needs from time to time"},
	{Finding: Finding{"MalwareScanRole", Wide, "Events allows events:* on *:rule/DO-NOT-DELETE-AmazonGuardDutyMalwareProtectionS3*"},
		Why: "GuardDuty names its rule itself"},
	{Finding: Finding{"StartRole", Wide, "Login allows ecr:GetAuthorizationToken on *: *"},
		Why: "ECR knows no resource for it"},
	{Finding: Finding{"StartRole", Wide, "Images allows ecr:* on arn:aws:ecr:*:repository/*: *"},
		Why: "images are parameters, and each may be in a repository and region of its own"},
	{Finding: Finding{"InstanceRole", Wide, "Endpoint allows ecs:DiscoverPollEndpoint on *: *"},
		Why: "ECS knows no resource for it"},
	{Finding: Finding{"InstanceRole", Wide, "Work allows ecs:* on *: *"},
		Why: "ECS knows no resource for what an agent says of its tasks"},
	{Finding: Finding{"InstanceRole", Wide, "Instances allows ecs:* on *:container-instance/*: *"},
		Why: "instances of the cluster, whose ids aren't known before"},
	{Finding: Finding{"BillingReportFunction", Wide, "List allows lambda:ListFunctions on *: *"},
		Why: "Lambda knows no resource for it"},
	{Finding: Finding{"BillingReportFunction", Wide, "Tags allows lambda:ListTags on arn:aws:lambda:*:function:*: *"},
		Why: "each function of the account has its cost centre as a tag, and all are on the bill"},
}

// Judge leaves out what exceptions excuse, and adds exceptions of these kinds that
// excuse nothing.
func Judge(found []Finding, exceptions []Exception, kinds ...Kind) []Finding {
	var left []Finding
	excused := make([]bool, len(exceptions))
	for _, f := range found {
		if !excuse(f, exceptions, excused) {
			left = append(left, f)
		}
	}
	for i, e := range exceptions {
		for _, kind := range kinds {
			if e.Kind == kind && !excused[i] {
				left = append(left, Finding{e.Of, e.Kind, fmt.Sprintf("the exception %q excuses nothing", e.What)})
			}
		}
	}
	return left
}

func excuse(f Finding, exceptions []Exception, excused []bool) bool {
	for i, e := range exceptions {
		if e.Kind == f.Kind && like(e.Of, f.Of) && like(e.What, f.What) {
			excused[i] = true
			return true
		}
	}
	return false
}
