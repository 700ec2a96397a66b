/* Peers that are not the one that the policy names: not one byte of the request goes out. */
#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "helper_rig.h"

/* A rig whose server shows `leaf` behind the good intermediate. */
static void refused(struct rig *rig, struct answer *answer, struct server_plan plan,
                    const char *text)
{
    rig_start(rig, plan);
    rig_trust(rig, &rig->pki.root);
    rig_ask(rig, answer);
    assert_refused(rig, answer, text);
}

/* The credential is not even asked for before the peer is known: this one never comes. */
Test(refused, wrong_pin_before_the_credential)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    rig_pin(&rig, &rig.pki.decoy);
    rig.silent = true;
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "none of the 1 keys that the policy pins");
    rig_stop(&rig);
}

Test(refused, wrong_pin)
{
    struct rig rig;
    struct answer answer;
    uint8_t pin[SHA256_LEN];
    AUTO_BUF shown = BUF_INIT(64);

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    rig_pin(&rig, &rig.pki.decoy);
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "none of the 1 keys that the policy pins");
    identity_pin(&rig.pki.root, pin);
    base64_put(&shown, pin, sizeof pin);
    assert_text(&answer, "\"CN=Test Intermediate\" ");
    assert_text(&answer, "\"CN=Test Root\" ");
    assert_text(&answer, buf_text(&shown));
    cr_assert_str_eq(answer.peer.address, "127.0.0.1");
    cr_assert_str_eq(answer.peer.tls_version, "TLSv1.3");
    cr_assert_eq(answer.peer.chain, 3);
    cr_assert_eq(answer.peer.pin_matched, UINT32_MAX);
    cr_assert_arr_eq(answer.peer.spki[2], pin, SHA256_LEN);
    rig_stop(&rig);
}

Test(refused, no_pin_at_all)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    rig.request.pins = 0;
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "none of the 0 keys");
    rig_stop(&rig);
}

Test(refused, pin_of_the_leaf)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    rig_pin(&rig, &rig.pki.leaf);
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "none of the 1 keys");
    rig_stop(&rig);
}

/* The pinned certificate is sent along, and is even trusted, but verifies nothing. */
Test(refused, decoy_in_the_presented_chain)
{
    struct rig rig;
    struct answer answer;
    struct pki pki = pki_make();

    rig_start(&rig,
              (struct server_plan){.leaf = &pki.leaf, .also = {&pki.intermediate, &pki.decoy}});
    rig_trust(&rig, &pki.root);
    rig_trust(&rig, &pki.decoy);
    rig_pin(&rig, &pki.decoy);
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "none of the 1 keys");
    cr_assert_null(strstr(answer.err.text, "Decoy"));
    cr_assert_eq(answer.peer.chain, 3);
    rig_stop(&rig);
}

Test(refused, wrong_name)
{
    struct rig rig;
    struct answer answer;
    struct identity_plan leaf = {"Other", "other.example", NULL, -60, 60};
    struct pki pki = pki_make();
    struct identity other;

    leaf.issuer = &pki.intermediate;
    other = identity_make(&leaf);
    rig_start(&rig, (struct server_plan){.leaf = &other, .also = {&pki.intermediate}});
    rig_trust(&rig, &pki.root);
    rig_pin(&rig, &pki.root);
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "its certificate is for other.example, not for " API_HOST);
    cr_assert_eq(answer.peer.chain, 0);
    rig_stop(&rig);
}

/* When it expires, to the second: "2026-11-23T18:20:00". */
static void end_format(const struct identity *identity, char out[RFC3339_LEN + 1])
{
    struct tm end;

    cr_assert_eq(ASN1_TIME_to_tm(X509_get0_notAfter(identity->cert), &end), 1);
    cr_assert_eq(strftime(out, RFC3339_LEN + 1, "%Y-%m-%dT%H:%M:%S", &end), 19);
}

Test(refused, expired)
{
    struct rig rig;
    struct answer answer;
    struct identity_plan leaf = {"Old", API_HOST, NULL, -1000, -100};
    struct pki pki = pki_make();
    struct identity old;
    char when[RFC3339_LEN + 1];

    leaf.issuer = &pki.intermediate;
    old = identity_make(&leaf);
    end_format(&old, when);
    rig_start(&rig, (struct server_plan){.leaf = &old, .also = {&pki.intermediate}});
    rig_trust(&rig, &pki.root);
    rig_pin(&rig, &pki.root);
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "the certificate of \"CN=Old\" expired at ");
    assert_text(&answer, when);
    rig_stop(&rig);
}

Test(refused, not_yet_valid)
{
    struct rig rig;
    struct answer answer;
    struct identity_plan leaf = {"New", API_HOST, NULL, 1000, 2000};
    struct pki pki = pki_make();
    struct identity young;

    leaf.issuer = &pki.intermediate;
    young = identity_make(&leaf);
    rig_start(&rig, (struct server_plan){.leaf = &young, .also = {&pki.intermediate}});
    rig_trust(&rig, &pki.root);
    rig_pin(&rig, &pki.root);
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "the certificate of \"CN=New\" is not valid before ");
    rig_stop(&rig);
}

/* Trusted, well named, and pinned: but a chain of one has no CA whose key could match. */
Test(refused, self_signed)
{
    struct rig rig;
    struct answer answer;
    struct identity_plan plan = {"Self", API_HOST, NULL, -60, 600};
    struct identity self = identity_make(&plan);

    rig_start(&rig, (struct server_plan){.leaf = &self});
    rig_trust(&rig, &self);
    rig_pin(&rig, &self);
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "but no CA certificate");
    cr_assert_eq(answer.peer.chain, 1);
    rig_stop(&rig);
}

Test(refused, not_of_the_trust_store)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.decoy);
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "unable to get local issuer certificate");
    assert_text(&answer, "issued by \"CN=Test Root\"");
    rig_stop(&rig);
}

/* Without NET_TRUST it is the system's bundle, which knows no test CA. */
Test(refused, system_trust_store)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){0});
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "unable to get local issuer certificate");
    rig_stop(&rig);
}

/* The intermediate alone is no trust anchor: chains end at a root. */
Test(refused, partial_chain)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.intermediate);
    rig_pin(&rig, &rig.pki.intermediate);
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "unable to get issuer certificate");
    rig_stop(&rig);
}

Test(refused, tls12_when_13_is_demanded)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){.max_tls = TLS1_2_VERSION});
    rig_trust(&rig, &rig.pki.root);
    rig.request.minimum_tls = TLS1_3_VERSION;
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "version 1.3 or later");
    cr_assert_str_eq(answer.peer.address, "127.0.0.1");
    rig_stop(&rig);
}

Test(refused, outside_the_networks)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    rig.request.networks = 2;
    rig.request.network[0] = "104.16.0.0/13";
    rig.request.network[1] = "2606:4700::/32";
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer,
                   API_HOST " is at 127.0.0.1, outside the policy's networks "
                            "(104.16.0.0/13, 2606:4700::/32)");
    cr_assert_eq(atomic_load(&rig.server.log->connections), 0);
    cr_assert_str_eq(answer.peer.address, "");
    rig_stop(&rig);
}

/* Names are resolved before the lock, and their addresses are held against the networks, too. */
Test(refused, resolved_outside_the_networks)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    rig.request.resolve = "";
    rig.request.host = "localhost";
    rig.request.network[0] = "104.16.0.0/13";
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "127.0.0.1");
    assert_text(&answer, "outside the policy's networks (104.16.0.0/13)");
    cr_assert_eq(atomic_load(&rig.server.log->connections), 0);
    rig_stop(&rig);
}

Test(refused, networks_are_empty)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    rig.request.networks = 0;
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "outside the policy's networks (none)");
    rig_stop(&rig);
}

/* A bundle that is sent after a request replaces the one before. */
Test(refused, trust_is_replaced)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    cr_assert_eq(answer.outcome, NET_ANSWERED, "%s", answer.err.text);
    rig_trust(&rig, &rig.pki.decoy);
    atomic_store(&rig.server.log->len, 0);
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "unable to get local issuer certificate");
    rig_stop(&rig);
}

Test(refused, several_in_a_row)
{
    struct rig rig;
    struct answer answer;

    refused(&rig, &answer, (struct server_plan){.max_tls = TLS1_1_VERSION}, "version 1.2 or later");
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "version 1.2 or later");
    rig_stop(&rig);
}
