"""Every table of the clinic: imported for its side effect, that `metadata` is whole.

Migrations, tests and the walk over columns read `metadata` from here. Each feature adds its store.
"""

from __future__ import annotations

import clinic_api.audit.store
import clinic_api.auth.code_store
import clinic_api.auth.factor_store
import clinic_api.auth.session_store
import clinic_api.auth.store
import clinic_api.catalogue.store
import clinic_api.directory.import_store
import clinic_api.directory.merge_store
import clinic_api.directory.relation_store
import clinic_api.directory.store
import clinic_api.export.store
import clinic_api.files.store
import clinic_api.forms.store
import clinic_api.idempotency
import clinic_api.keyring
import clinic_api.messages.store
import clinic_api.organisation.store
import clinic_api.outbox_store
import clinic_api.records.documents_store
import clinic_api.records.lists_store
import clinic_api.records.notes_store
import clinic_api.records.observations_store
import clinic_api.scheduling.feed_store
import clinic_api.scheduling.hours_store
import clinic_api.scheduling.store
import clinic_api.visits.call_store
import clinic_api.visits.check_in_store
import clinic_api.visits.consent_store
import clinic_api.visits.quality_store
import clinic_api.visits.store
import clinic_api.visits.survey_store  # noqa: F401
from clinic_api.schema import metadata

__all__ = ["metadata"]
