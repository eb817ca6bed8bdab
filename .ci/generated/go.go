// The story with the generator go of openapi-generator.
package main

import (
	"context"
	"errors"
	"log"
	"os"

	invited "github.com/example/invited"
)

const acme = "go"

// must ends the story where something is not as it should be.
func must(holds bool, what ...any) {
	if !holds {
		log.Panic(what...)
	}
}

func main() {
	configuration := invited.NewConfiguration()
	configuration.Servers[0].URL = os.Getenv("INVITED_URL")
	client := invited.NewAPIClient(configuration)
	invitations := client.InvitationsAPI
	caller := context.WithValue(context.Background(), invited.ContextAccessToken, os.Getenv("INVITED_KEY"))

	body := invited.NewInvitationCreate("ada@example.com", "admin")
	body.SetMetadata(map[string]any{"team": "core"})
	made, _, err := invitations.CreateInvitation(caller, acme).InvitationCreate(*body).Execute()
	must(err == nil, err)
	open := []invited.InvitationStatus{invited.INVITATIONSTATUS_PENDING, invited.INVITATIONSTATUS_EXPIRED}
	listed, _, err := invitations.ListInvitations(caller, acme).Status(open).Order(invited.SORTORDER_ASC).Execute()
	must(err == nil && len(listed) == 1 && listed[0].Id == made.Id, err, listed)
	got, _, err := invitations.GetInvitation(caller, acme, made.Id).Execute()
	must(err == nil && got.Status == invited.INVITATIONSTATUS_PENDING && got.Metadata["team"] == "core", err, got)

	_, answer, err := invitations.CreateInvitation(caller, acme).InvitationCreate(*body).Execute()
	var refusal *invited.GenericOpenAPIError
	must(errors.As(err, &refusal) && answer.StatusCode == 409, err)
	problem, isProblem := refusal.Model().(invited.Problem)
	must(isProblem && problem.Code == invited.PROBLEMCODE_ALREADY_INVITED && problem.GetInvitationId() == made.Id, problem)

	vouched := invited.NewVouchedAcceptance("ada@example.com")
	vouched.SetSubject("user_7")
	accepted, _, err := invitations.AcceptInvitation(caller, acme, made.Id).VouchedAcceptance(*vouched).Execute()
	must(err == nil && accepted.GetAcceptedBy() == "user_7", err, accepted)
	other, _, err := invitations.CreateInvitation(caller, acme).InvitationCreate(*invited.NewInvitationCreate("bob@example.com", "admin")).Execute()
	must(err == nil, err)
	// Without a body this generator sends null, which is not as good as none.
	link, _, err := invitations.GetInvitationLink(caller, acme, other.Id).Body(map[string]any{}).Execute()
	must(err == nil, err)
	answering := invited.NewInvitationAnswer(link.Token)
	answering.SetEmail("bob@example.com")
	answering.SetSubject("user_8")
	answered, _, err := client.AnswersAPI.AcceptInvitationByToken(caller).InvitationAnswer(*answering).Execute()
	must(err == nil && answered.GetId() == other.Id && answered.GetAcceptedBy() == "user_8", err, answered)
	_, err = invitations.DeleteInvitation(caller, acme, made.Id).Execute()
	must(err == nil, err)
}
