#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "answer_read.h"

#define DAYS_MAX 100000

bool pack_id_valid(const char *id)
{
    static const char uuid[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    static const char hex[] = "0123456789abcdef";
    size_t len = strlen(id);
    if (len == 32)
        return strspn(id, hex) == len;
    if (len != PACK_ID_LEN)
        return false;
    for (size_t i = 0; i < len; i++)
        if (uuid[i] == '-' ? id[i] != '-' : strchr(hex, id[i]) == NULL)
            return false;
    return true;
}

static void record_read(struct reader *reader, const cJSON *item, struct validation_record *out)
{
    const cJSON *object = read_item(reader, item);
    out->status = read_text(reader, object, "status");
    out->txt_name = read_text(reader, object, "txt_name");
    out->txt_value = read_text(reader, object, "txt_value");
    out->cname = read_text(reader, object, "cname");
    out->cname_target = read_text(reader, object, "cname_target");
    out->http_url = read_text(reader, object, "http_url");
    out->http_body = read_text(reader, object, "http_body");
    out->emails = read_texts(reader, object, "emails");
}

static struct validation_record *records_read(struct reader *reader, const cJSON *pack,
                                              const char *name, size_t *count)
{
    const cJSON *array = read_array(reader, pack, name), *item = NULL;
    struct validation_record *records = read_room(reader, array, sizeof(*records), count);
    size_t i = 0;
    cJSON_ArrayForEach(item, array)
    {
        if (i < *count)
            record_read(reader, item, &records[i++]);
    }
    return records;
}

static double priority_read(struct reader *reader, const cJSON *object)
{
    const cJSON *node = read_member(object, "priority");
    if (cJSON_IsNumber(node))
        return node->valuedouble;
    if (node != NULL)
        read_fault(reader, node, "must be a number");
    return NAN;
}

static void certificate_read(struct reader *reader, const cJSON *item, struct certificate *out)
{
    const cJSON *object = read_item(reader, item);
    out->id = read_text(reader, object, "id");
    out->status = read_text(reader, object, "status");
    out->issuer = read_text(reader, object, "issuer");
    out->signature = read_text(reader, object, "signature");
    out->bundle_method = read_text(reader, object, "bundle_method");
    out->expires_on = read_text(reader, object, "expires_on");
    out->uploaded_on = read_text(reader, object, "uploaded_on");
    out->modified_on = read_text(reader, object, "modified_on");
    out->zone_id = read_text(reader, object, "zone_id");
    out->priority = priority_read(reader, object);
    out->hosts = read_texts(reader, object, "hosts");
    const char *label = read_text(reader, read_object(reader, object, "geo_restrictions"), "label");
    out->geo_label = label[0] == '\0' ? NULL : label;
}

static void certificates_read(struct reader *reader, const cJSON *object, struct pack *pack)
{
    const cJSON *array = read_array(reader, object, "certificates"), *item = NULL;
    size_t i = 0;
    pack->certificate = read_room(reader, array, sizeof(*pack->certificate), &pack->certificates);
    cJSON_ArrayForEach(item, array)
    {
        if (i < pack->certificates)
            certificate_read(reader, item, &pack->certificate[i++]);
    }
}

static void validation_errors_read(struct reader *reader, const cJSON *object, struct pack *pack)
{
    const cJSON *array = read_array(reader, object, "validation_errors"), *item = NULL;
    size_t i = 0;
    pack->validation_error =
        read_room(reader, array, sizeof(*pack->validation_error), &pack->validation_errors);
    cJSON_ArrayForEach(item, array)
    {
        if (i < pack->validation_errors)
            pack->validation_error[i++] = read_text(reader, read_item(reader, item), "message");
    }
}

static int branding_read(struct reader *reader, const cJSON *object)
{
    const cJSON *node = read_member(object, "cloudflare_branding");
    if (cJSON_IsBool(node))
        return cJSON_IsTrue(node) ? 1 : 0;
    if (node != NULL)
        read_fault(reader, node, "must be true or false");
    return -1;
}

void pack_read(struct reader *reader, const cJSON *object, struct pack *pack)
{
    pack->raw = object;
    pack->id = read_text(reader, object, "id");
    pack->type = read_text(reader, object, "type");
    pack->status = read_text(reader, object, "status");
    pack->certificate_authority = read_text(reader, object, "certificate_authority");
    pack->validation_method = read_text(reader, object, "validation_method");
    pack->primary_certificate = read_text(reader, object, "primary_certificate");
    pack->validity_days = read_int(reader, object, "validity_days", 0, DAYS_MAX, 0);
    pack->cloudflare_branding = branding_read(reader, object);
    pack->hosts = read_texts(reader, object, "hosts");
    certificates_read(reader, object, pack);
    pack->validation_record =
        records_read(reader, object, "validation_records", &pack->validation_records);
    pack->dcv_delegation_record =
        records_read(reader, object, "dcv_delegation_records", &pack->dcv_delegation_records);
    validation_errors_read(reader, object, pack);
}

void pack_free(struct pack *pack)
{
    free(pack->certificate);
    free(pack->validation_record);
    free(pack->dcv_delegation_record);
    free(pack->validation_error);
}
