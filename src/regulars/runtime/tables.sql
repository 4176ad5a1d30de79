-- stands for pghistory.0001_initial
-- stands for pghistory.0002_aggregateevent
-- stands for pghistory.0003_auto_20201023_1636
-- stands for pghistory.0004_auto_20220906_1625
-- stands for pghistory.0005_events_middlewareevents
-- stands for pghistory.0006_delete_aggregateevent
-- stands for pghistory.0007_auto_20250421_0444
-- stands for contenttypes.0001_initial
-- stands for contenttypes.0002_remove_content_type_name
-- stands for auth.0001_initial
-- stands for auth.0002_alter_permission_name_max_length
-- stands for auth.0003_alter_user_email_max_length
-- stands for auth.0004_alter_user_username_opts
-- stands for auth.0005_alter_user_last_login_null
-- stands for auth.0006_require_contenttypes_0002
-- stands for auth.0007_alter_validators_add_error_messages
-- stands for auth.0008_alter_user_username_max_length
-- stands for auth.0009_alter_user_last_name_max_length
-- stands for auth.0010_alter_group_name_max_length
-- stands for auth.0011_update_proxy_permissions
-- stands for auth.0012_alter_user_first_name_max_length
-- stands for staff.0001_initial
-- stands for account.0001_initial
-- stands for account.0002_email_max_length
-- stands for account.0003_alter_emailaddress_create_unique_verified_email
-- stands for account.0004_alter_emailaddress_drop_unique_email
-- stands for account.0005_emailaddress_idx_upper_email
-- stands for account.0006_emailaddress_lower
-- stands for account.0007_emailaddress_idx_email
-- stands for account.0008_emailaddress_unique_primary_email_fixup
-- stands for account.0009_emailaddress_unique_primary_email
-- stands for api.0001_initial
-- stands for console.0001_initial
-- stands for shop.0001_initial
-- stands for shop.0002_record_measured
-- stands for shop.0003_order_coupons
-- stands for shop.0004_consent_to_dingtalk
-- stands for shop.0005_interactions
-- stands for shop.0006_global_holdout
-- stands for segments.0001_initial
-- stands for segments.0002_kept_tags
-- stands for experiments.0001_initial
-- stands for shop.0007_identifiers_by_value
-- stands for insights.0001_initial
-- stands for insights.0002_lists_against_order
-- stands for shop.0008_contacts_bring_orders
-- stands for intake.0001_initial
-- stands for intake.0002_packed_calls
-- stands for intake.0003_changes_kept_for_good
-- stands for messaging.0001_initial
-- stands for messaging.0002_templates
-- stands for messaging.0003_channels_of_services
-- stands for messaging.0004_task_owners
-- stands for messaging.0005_fallbacks_and_short_links
-- stands for offers.0001_initial
-- stands for journeys.0001_initial
-- stands for journeys.0002_journeys
-- stands for journeys.0003_rehearsals
-- stands for journeys.0004_playbooks
-- stands for journeys.0005_approvals
-- stands for journeys.0006_own_playbooks
-- stands for journeys.0007_name_of_sends
-- stands for messaging.0006_addresses_of_staff
-- stands for messaging.0007_plans_of_paces
-- stands for messaging.0008_offers_of_sends
-- stands for mfa.0001_initial
-- stands for mfa.0002_authenticator_timestamps
-- stands for mfa.0003_authenticator_type_uniq
-- stands for outbox.0001_initial
-- stands for planner.0001_initial
-- stands for procrastinate.0001_initial
-- stands for procrastinate.0002_drop_started_at_column
-- stands for procrastinate.0003_drop_started_at_column
-- stands for procrastinate.0004_drop_procrastinate_version_table
-- stands for procrastinate.0005_fix_procrastinate_fetch_job
-- stands for procrastinate.0006_fix_trigger_status_events_insert
-- stands for procrastinate.0007_add_queueing_lock_column
-- stands for procrastinate.0008_close_fetch_job_race_condition
-- stands for procrastinate.0009_add_defer_job_function
-- stands for procrastinate.0010_add_procrastinate_periodic_defers
-- stands for procrastinate.0011_add_foreign_key_index
-- stands for procrastinate.0012_add_locks_to_periodic_defer
-- stands for procrastinate.0013_fix_procrastinate_defer_periodic_job
-- stands for procrastinate.0014_add_finish_job_and_retry_job_functions
-- stands for procrastinate.0015_add_trigger_on_job_deletion
-- stands for procrastinate.0016_delete_finished_jobs
-- stands for procrastinate.0017_add_checks_to_finish_job
-- stands for procrastinate.0018_add_checks_to_retry_job
-- stands for procrastinate.0019_fix_finish_job_compat_issue
-- stands for procrastinate.0020_add_index_on_procrastinate_jobs
-- stands for procrastinate.0021_add_kwargs_to_defer_periodic_job
-- stands for procrastinate.0022_null_locks_excluded
-- stands for procrastinate.0023_remove_old_finish_job_function
-- stands for procrastinate.0024_job_id_bigint
-- stands for procrastinate.0025_add_models
-- stands for procrastinate.0026_add_job_priority
-- stands for procrastinate.0027_add_periodic_job_priority
-- stands for procrastinate.0028_add_cancel_states
-- stands for procrastinate.0029_add_additional_params_to_retry_job
-- stands for procrastinate.0030_alter_procrastinateevent_options
-- stands for procrastinate.0031_add_indexes_for_fetch_job
-- stands for procrastinate.0032_pre_cancel_notification
-- stands for procrastinate.0033_post_cancel_notification
-- stands for procrastinate.0034_pre_add_heartbeat
-- stands for procrastinate.0035_post_add_heartbeat
-- stands for procrastinate.0036_add_worker_model
-- stands for procrastinate.0037_pre_batch_defer_jobs
-- stands for procrastinate.0038_post_batch_defer_jobs
-- stands for procrastinate.0039_pre_priority_lock_fetch_job
-- stands for procrastinate.0040_pre_retry_failed_job
-- stands for procrastinate.0041_post_retry_failed_job
-- stands for reports.0001_initial
-- stands for sessions.0001_initial
-- stands for shop.0009_suggestions_by_value
-- stands for shop.0010_language_told
-- stands for staff.0002_approving
-- stands for staff.0003_language_of_the_browser
-- stands for storefront.0001_initial
CREATE TYPE public.procrastinate_job_event_type AS ENUM (
    'deferred',
    'started',
    'deferred_for_retry',
    'failed',
    'succeeded',
    'cancelled',
    'abort_requested',
    'aborted',
    'scheduled',
    'retried'
);



CREATE TYPE public.procrastinate_job_status AS ENUM (
    'todo',
    'doing',
    'succeeded',
    'failed',
    'cancelled',
    'aborting',
    'aborted'
);



CREATE TYPE public.procrastinate_job_to_defer_v1 AS (
	queue_name character varying,
	task_name character varying,
	priority integer,
	lock text,
	queueing_lock text,
	args jsonb,
	scheduled_at timestamp with time zone
);



CREATE FUNCTION public._pgh_attach_context() RETURNS uuid
    LANGUAGE plpgsql
    AS $$
                    DECLARE
                        _pgh_context_id UUID;
                        _pgh_context_metadata JSONB;
                    BEGIN
                        BEGIN
                            SELECT INTO _pgh_context_id
                                CURRENT_SETTING('pghistory.context_id');
                            SELECT INTO _pgh_context_metadata
                                CURRENT_SETTING('pghistory.context_metadata');
                            EXCEPTION WHEN OTHERS THEN
                        END;
                        IF _pgh_context_id IS NOT NULL AND _pgh_context_metadata IS NOT NULL THEN
                            INSERT INTO pghistory_context (id, metadata, created_at, updated_at)
                                VALUES (_pgh_context_id, _pgh_context_metadata, NOW(), NOW())
                                ON CONFLICT (id) DO UPDATE
                                    SET metadata = EXCLUDED.metadata,
                                        updated_at = EXCLUDED.updated_at
                                    WHERE pghistory_context.metadata != EXCLUDED.metadata;
                            RETURN _pgh_context_id;
                        ELSE
                            RETURN NULL;
                        END IF;
                    END;
                $$;



CREATE FUNCTION public._pgtrigger_should_ignore(trigger_name name) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
                DECLARE
                    _pgtrigger_ignore TEXT[];
                    _result BOOLEAN;
                BEGIN
                    BEGIN
                        SELECT INTO _pgtrigger_ignore
                            CURRENT_SETTING('pgtrigger.ignore');
                        EXCEPTION WHEN OTHERS THEN
                    END;
                    IF _pgtrigger_ignore IS NOT NULL THEN
                        SELECT trigger_name = ANY(_pgtrigger_ignore)
                        INTO _result;
                        RETURN _result;
                    ELSE
                        RETURN FALSE;
                    END IF;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_append_only_7871f() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_append_only_8a6bd() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_append_only_8ecd8() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_append_only_eb3bd() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_decided_once_12602() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_delete_delete_2951b() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "messaging_quiethoursevent" ("begins", "ends", "id", "medium", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (OLD."begins", OLD."ends", OLD."id", OLD."medium", _pgh_attach_context(), NOW(), 'delete', OLD."id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_delete_delete_94c0f() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "messaging_suppressedaddressevent" ("at", "digest", "id", "medium", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason") VALUES (OLD."at", OLD."digest", OLD."id", OLD."medium", _pgh_attach_context(), NOW(), 'delete', OLD."id", OLD."reason"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_delete_delete_fb46b() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "messaging_capevent" ("days", "id", "is_rolling", "medium", "most", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "tag") VALUES (OLD."days", OLD."id", OLD."is_rolling", OLD."medium", OLD."most", _pgh_attach_context(), NOW(), 'delete', OLD."id", OLD."tag"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_frozen_70f83() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_05104() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "insights_policyevent" ("as_of_day", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rfm", "stages", "tiers") VALUES (NEW."as_of_day", NEW."id", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."rfm", NEW."stages", NEW."tiers"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_09333() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "shop_consentofferevent" ("channel", "id", "is_confirmed", "is_offered", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose") VALUES (NEW."channel", NEW."id", NEW."is_confirmed", NEW."is_offered", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."purpose"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_0edbb() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "journeys_ownplaybookevent" ("added_at", "added_by_id", "code", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "text") VALUES (NEW."added_at", NEW."added_by_id", NEW."code", NEW."id", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."text"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_12c33() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "shop_businessevent" ("currency", "event_months", "holdout_bp", "holdout_since", "id", "margin_bp", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "time_zone") VALUES (NEW."currency", NEW."event_months", NEW."holdout_bp", NEW."holdout_since", NEW."id", NEW."margin_bp", NEW."name", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."time_zone"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_1a51c() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "messaging_quiethoursevent" ("begins", "ends", "id", "medium", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."begins", NEW."ends", NEW."id", NEW."medium", _pgh_attach_context(), NOW(), 'insert', NEW."id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_214ed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "messaging_capevent" ("days", "id", "is_rolling", "medium", "most", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "tag") VALUES (NEW."days", NEW."id", NEW."is_rolling", NEW."medium", NEW."most", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."tag"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_2239e() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "shop_tagevent" ("colour", "description", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "removed_at") VALUES (NEW."colour", NEW."description", NEW."id", NEW."name", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."removed_at"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_2a18d() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "journeys_campaignchannelevent" ("campaign_id", "channel_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "template_id", "version_id") VALUES (NEW."campaign_id", NEW."channel_id", NEW."id", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."position", NEW."template_id", NEW."version_id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_39e9a() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "intake_connectionevent" ("address", "connected_at", "connected_by_id", "connector", "disconnected_at", "id", "key", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "store_id") VALUES (NEW."address", NEW."connected_at", NEW."connected_by_id", NEW."connector", NEW."disconnected_at", NEW."id", NEW."key", NEW."name", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."store_id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_46fff() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "intake_writekeyevent" ("asks_consent", "created_at", "created_by_id", "heeds_signals", "id", "key", "origins", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "revoked_at", "source_id") VALUES (NEW."asks_consent", NEW."created_at", NEW."created_by_id", NEW."heeds_signals", NEW."id", NEW."key", NEW."origins", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."revoked_at", NEW."source_id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_58de6() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "shop_attributedefinitionevent" ("choices", "id", "is_customers", "label", "label_zh", "maximum", "minimum", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "type") VALUES (NEW."choices", NEW."id", NEW."is_customers", NEW."label", NEW."label_zh", NEW."maximum", NEW."minimum", NEW."name", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."type"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_5e0f7() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "messaging_letterheadevent" ("accent", "counts_clicks", "counts_openings", "id", "logo_url", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "postal_address", "product_link", "website") VALUES (NEW."accent", NEW."counts_clicks", NEW."counts_openings", NEW."id", NEW."logo_url", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."postal_address", NEW."product_link", NEW."website"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_6e336() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "journeys_approvalruleevent" ("above", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."above", NEW."id", _pgh_attach_context(), NOW(), 'insert', NEW."id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_7273c() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "reports_reviewmailingevent" ("id", "language", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "recipients") VALUES (NEW."id", NEW."language", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."recipients"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_741bd() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "shop_privacyrequestevent" ("answer", "asked_at", "confirmed_at", "customer_id", "decided_at", "decided_by_id", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source", "state") VALUES (NEW."answer", NEW."asked_at", NEW."confirmed_at", NEW."customer_id", NEW."decided_at", NEW."decided_by_id", NEW."id", NEW."kind", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."source", NEW."state"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_78eed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "shop_privacyactevent" ("at", "by_id", "customer_id", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "rows") VALUES (NEW."at", NEW."by_id", NEW."customer_id", NEW."id", NEW."kind", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."reason", NEW."rows"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_86098() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "shop_consentwordingevent" ("channel", "chinese", "english", "id", "made_at", "made_by_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose", "version") VALUES (NEW."channel", NEW."chinese", NEW."english", NEW."id", NEW."made_at", NEW."made_by_id", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."purpose", NEW."version"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_90f3e() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "journeys_campaignevent" ("archived_at", "at", "clock", "created_at", "created_by_id", "excluded", "holdout_bp", "id", "lasts_days", "name", "offer_id", "on_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "priority", "purpose", "segment_id", "send_id", "started_at", "starts_at", "state", "tag", "timing", "window_days") VALUES (NEW."archived_at", NEW."at", NEW."clock", NEW."created_at", NEW."created_by_id", NEW."excluded", NEW."holdout_bp", NEW."id", NEW."lasts_days", NEW."name", NEW."offer_id", NEW."on_day", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."priority", NEW."purpose", NEW."segment_id", NEW."send_id", NEW."started_at", NEW."starts_at", NEW."state", NEW."tag", NEW."timing", NEW."window_days"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_9466b() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "planner_actionevent" ("as_of_day", "assignee_id", "closed_at", "closed_by_id", "customer_id", "id", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "playbook", "reason", "state", "value_minor") VALUES (NEW."as_of_day", NEW."assignee_id", NEW."closed_at", NEW."closed_by_id", NEW."customer_id", NEW."id", NEW."note", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."playbook", NEW."reason", NEW."state", NEW."value_minor"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_968ac() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "segments_segmentevent" ("archived_at", "code", "created_at", "created_by_id", "description", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rule", "version") VALUES (NEW."archived_at", NEW."code", NEW."created_at", NEW."created_by_id", NEW."description", NEW."id", NEW."kind", NEW."name", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."rule", NEW."version"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_96c48() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "journeys_adoptedplaybookevent" ("chosen", "code", "id", "journey_id", "made", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "turned_on_at", "turned_on_by_id") VALUES (NEW."chosen", NEW."code", NEW."id", NEW."journey_id", NEW."made", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."turned_on_at", NEW."turned_on_by_id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_9e0d8() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "shop_eventsourceevent" ("code", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "store_id") VALUES (NEW."code", NEW."id", NEW."name", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."store_id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_ab8cb() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "experiments_armevent" ("experiment_id", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "share_bp", "source_id", "source_kind") VALUES (NEW."experiment_id", NEW."id", NEW."name", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."position", NEW."share_bp", NEW."source_id", NEW."source_kind"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_b1e0a() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "shop_consentevent" ("at", "by_id", "channel", "customer_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose", "reason", "state") VALUES (NEW."at", NEW."by_id", NEW."channel", NEW."customer_id", NEW."id", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."purpose", NEW."reason", NEW."state"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_b53db() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "messaging_sendevent" ("counts", "created_at", "created_by_id", "expires_at", "holdout_bp", "id", "is_transactional", "kind", "label", "offer_id", "over", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "priority", "purpose", "source_id", "state", "step", "tag", "trouble") VALUES (NEW."counts", NEW."created_at", NEW."created_by_id", NEW."expires_at", NEW."holdout_bp", NEW."id", NEW."is_transactional", NEW."kind", NEW."label", NEW."offer_id", NEW."over", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."priority", NEW."purpose", NEW."source_id", NEW."state", NEW."step", NEW."tag", NEW."trouble"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_b856d() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "experiments_experimentevent" ("created_at", "created_by_id", "days", "ended_at", "fingerprint", "id", "metric", "name", "outcomes", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "planned", "question", "salt", "segment_id", "started_at", "state", "varies", "winner_id") VALUES (NEW."created_at", NEW."created_by_id", NEW."days", NEW."ended_at", NEW."fingerprint", NEW."id", NEW."metric", NEW."name", NEW."outcomes", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."planned", NEW."question", NEW."salt", NEW."segment_id", NEW."started_at", NEW."state", NEW."varies", NEW."winner_id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_ba1dd() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "offers_offerevent" ("benefit", "budget_minor", "code_days", "codes", "cost_minor", "created_at", "created_by_id", "ends_at", "goods", "holder_only", "id", "kind", "least_minor", "most_minor", "name", "per_customer", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prefix", "stacking", "starts_at", "state", "stock", "stores", "uses", "words", "words_zh") VALUES (NEW."benefit", NEW."budget_minor", NEW."code_days", NEW."codes", NEW."cost_minor", NEW."created_at", NEW."created_by_id", NEW."ends_at", NEW."goods", NEW."holder_only", NEW."id", NEW."kind", NEW."least_minor", NEW."most_minor", NEW."name", NEW."per_customer", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."prefix", NEW."stacking", NEW."starts_at", NEW."state", NEW."stock", NEW."stores", NEW."uses", NEW."words", NEW."words_zh"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_ce506() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "intake_columnmapevent" ("created_at", "header", "id", "kind", "mapping", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."created_at", NEW."header", NEW."id", NEW."kind", NEW."mapping", NEW."name", _pgh_attach_context(), NOW(), 'insert', NEW."id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_d0647() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "staff_apikeyevent" ("created_at", "created_by_id", "expires_at", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prefix", "revoked_at", "scopes") VALUES (NEW."created_at", NEW."created_by_id", NEW."expires_at", NEW."id", NEW."name", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."prefix", NEW."revoked_at", NEW."scopes"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_d2944() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "journeys_approvalevent" ("answer", "asked_at", "asked_by_id", "campaign_id", "customers", "decided_at", "decided_by_id", "fingerprint", "id", "journey_id", "moves", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state") VALUES (NEW."answer", NEW."asked_at", NEW."asked_by_id", NEW."campaign_id", NEW."customers", NEW."decided_at", NEW."decided_by_id", NEW."fingerprint", NEW."id", NEW."journey_id", NEW."moves", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."state"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_d5180() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "messaging_channelevent" ("cost_minor", "created_at", "created_by_id", "domain_per_minute", "id", "is_active", "key", "kind", "medium", "name", "options", "per_minute", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "warm_up_first", "warm_up_from") VALUES (NEW."cost_minor", NEW."created_at", NEW."created_by_id", NEW."domain_per_minute", NEW."id", NEW."is_active", NEW."key", NEW."kind", NEW."medium", NEW."name", NEW."options", NEW."per_minute", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."warm_up_first", NEW."warm_up_from"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_dd233() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "messaging_templateevent" ("archived_at", "created_at", "created_by_id", "description", "format", "id", "language", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."archived_at", NEW."created_at", NEW."created_by_id", NEW."description", NEW."format", NEW."id", NEW."language", NEW."name", _pgh_attach_context(), NOW(), 'insert', NEW."id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_ebbbb() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "messaging_suppressedaddressevent" ("at", "digest", "id", "medium", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason") VALUES (NEW."at", NEW."digest", NEW."id", NEW."medium", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."reason"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_ecb99() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "journeys_journeyevent" ("archived_at", "created_at", "created_by_id", "current_id", "description", "ended_at", "graph", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "salt", "started_at", "state") VALUES (NEW."archived_at", NEW."created_at", NEW."created_by_id", NEW."current_id", NEW."description", NEW."ended_at", NEW."graph", NEW."id", NEW."name", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."salt", NEW."started_at", NEW."state"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_ed0ec() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "planner_capacityevent" ("calls_per_day", "id", "messages_per_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."calls_per_day", NEW."id", NEW."messages_per_day", _pgh_attach_context(), NOW(), 'insert', NEW."id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_ee817() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "staff_userevent" ("email", "id", "is_active", "is_superuser", "joined_at", "language", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role") VALUES (NEW."email", NEW."id", NEW."is_active", NEW."is_superuser", NEW."joined_at", NEW."language", NEW."name", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."role"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_f1049() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "shop_accountevent" ("code", "country", "id", "industry", "manager_id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "recorded_at") VALUES (NEW."code", NEW."country", NEW."id", NEW."industry", NEW."manager_id", NEW."name", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."recorded_at"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_insert_insert_fda28() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "segments_kepttagevent" ("by_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "segment_id", "since_at", "tag_id") VALUES (NEW."by_id", NEW."id", _pgh_attach_context(), NOW(), 'insert', NEW."id", NEW."segment_id", NEW."since_at", NEW."tag_id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_kept_5b836() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_never_changed_2dc00() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_no_truncate_e349c() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'the consent ledger is never emptied';
                END;
            $$;



CREATE FUNCTION public.pgtrigger_only_drafts_change_407d3() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    
                IF NOT (OLD.state = NEW.state OR (OLD.state, NEW.state) IN
                        (('draft', 'scheduled'), ('scheduled', 'draft'), ('scheduled', 'begun'))) THEN
                    RAISE EXCEPTION 'campaign %: no way from % to %', OLD.id, OLD.state, NEW.state
                        USING ERRCODE = 'check_violation';
                END IF;
                IF OLD.state <> 'draft' AND (OLD.name, OLD.segment_id, OLD.excluded, OLD.purpose, OLD.tag, OLD.priority,
                        OLD.offer_id, OLD.timing, OLD.at, OLD.on_day, OLD.clock, OLD.holdout_bp, OLD.window_days, OLD.lasts_days)
                    IS DISTINCT FROM (NEW.name, NEW.segment_id, NEW.excluded, NEW.purpose, NEW.tag, NEW.priority,
                        NEW.offer_id, NEW.timing, NEW.at, NEW.on_day, NEW.clock, NEW.holdout_bp, NEW.window_days, NEW.lasts_days)
                THEN
                    RAISE EXCEPTION 'campaign %: only a draft changes', OLD.id USING ERRCODE = 'check_violation';
                END IF;
                IF OLD.state = 'begun' AND (OLD.send_id, OLD.started_at) IS DISTINCT FROM (NEW.send_id, NEW.started_at) THEN
                    RAISE EXCEPTION 'campaign %: it has begun once', OLD.id USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
                
                END;
            $$;



CREATE FUNCTION public.pgtrigger_only_drafts_change_b8eb1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    
                IF NOT (OLD.state = NEW.state OR (OLD.state, NEW.state) IN
                        (('draft', 'running'), ('running', 'stopped'), ('running', 'rolled_out'))) THEN
                    RAISE EXCEPTION 'experiment %: no way from % to %', OLD.id, OLD.state, NEW.state
                        USING ERRCODE = 'check_violation';
                END IF;
                IF OLD.salt <> NEW.salt OR OLD.state <> 'draft' AND (OLD.name, OLD.question, OLD.varies, OLD.segment_id, OLD.metric,
                        OLD.days, OLD.started_at, OLD.planned, OLD.outcomes, OLD.fingerprint)
                    IS DISTINCT FROM (NEW.name, NEW.question, NEW.varies, NEW.segment_id, NEW.metric,
                        NEW.days, NEW.started_at, NEW.planned, NEW.outcomes, NEW.fingerprint) THEN
                    RAISE EXCEPTION 'experiment %: only a draft changes', OLD.id USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
                
                END;
            $$;



CREATE FUNCTION public.pgtrigger_single_stays_e5db6() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_states_84fb7() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    
                IF NEW.generation < OLD.generation THEN
                    RAISE EXCEPTION 'delivery %: the generation never falls', OLD.id USING ERRCODE = 'check_violation';
                END IF;
                IF OLD.state <> NEW.state AND NOT (CASE OLD.state
                    WHEN 'pending' THEN NEW.state = 'suppressed'
                        OR (NEW.state = 'claimed' AND NEW.generation = OLD.generation + 1)
                    WHEN 'claimed' THEN NEW.state IN ('pending', 'sending', 'suppressed', 'failed')
                    WHEN 'sending' THEN NEW.state IN ('pending', 'accepted', 'failed', 'uncertain', 'bounced')
                    WHEN 'uncertain' THEN NEW.state IN ('pending', 'accepted', 'delivered', 'bounced', 'complained')
                    WHEN 'accepted' THEN NEW.state IN ('delivered', 'bounced', 'complained', 'failed')
                    WHEN 'delivered' THEN NEW.state IN ('bounced', 'complained')
                    ELSE NEW.state = 'pending'
                END) THEN
                    RAISE EXCEPTION 'delivery %: from % to % leads no way', OLD.id, OLD.state, NEW.state
                        USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
                
                END;
            $$;



CREATE FUNCTION public.pgtrigger_template_kept_7cc7a() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_0668d() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "journeys_campaignchannelevent" ("campaign_id", "channel_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "template_id", "version_id") VALUES (NEW."campaign_id", NEW."channel_id", NEW."id", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."position", NEW."template_id", NEW."version_id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_1295b() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "intake_writekeyevent" ("asks_consent", "created_at", "created_by_id", "heeds_signals", "id", "key", "origins", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "revoked_at", "source_id") VALUES (NEW."asks_consent", NEW."created_at", NEW."created_by_id", NEW."heeds_signals", NEW."id", NEW."key", NEW."origins", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."revoked_at", NEW."source_id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_159f9() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "shop_eventsourceevent" ("code", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "store_id") VALUES (NEW."code", NEW."id", NEW."name", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."store_id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_171db() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "messaging_letterheadevent" ("accent", "counts_clicks", "counts_openings", "id", "logo_url", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "postal_address", "product_link", "website") VALUES (NEW."accent", NEW."counts_clicks", NEW."counts_openings", NEW."id", NEW."logo_url", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."postal_address", NEW."product_link", NEW."website"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_24211() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "planner_actionevent" ("as_of_day", "assignee_id", "closed_at", "closed_by_id", "customer_id", "id", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "playbook", "reason", "state", "value_minor") VALUES (NEW."as_of_day", NEW."assignee_id", NEW."closed_at", NEW."closed_by_id", NEW."customer_id", NEW."id", NEW."note", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."playbook", NEW."reason", NEW."state", NEW."value_minor"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_27bb6() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "shop_businessevent" ("currency", "event_months", "holdout_bp", "holdout_since", "id", "margin_bp", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "time_zone") VALUES (NEW."currency", NEW."event_months", NEW."holdout_bp", NEW."holdout_since", NEW."id", NEW."margin_bp", NEW."name", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."time_zone"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_31056() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "shop_accountevent" ("code", "country", "id", "industry", "manager_id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "recorded_at") VALUES (NEW."code", NEW."country", NEW."id", NEW."industry", NEW."manager_id", NEW."name", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."recorded_at"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_3503b() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "offers_offerevent" ("benefit", "budget_minor", "code_days", "codes", "cost_minor", "created_at", "created_by_id", "ends_at", "goods", "holder_only", "id", "kind", "least_minor", "most_minor", "name", "per_customer", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prefix", "stacking", "starts_at", "state", "stock", "stores", "uses", "words", "words_zh") VALUES (NEW."benefit", NEW."budget_minor", NEW."code_days", NEW."codes", NEW."cost_minor", NEW."created_at", NEW."created_by_id", NEW."ends_at", NEW."goods", NEW."holder_only", NEW."id", NEW."kind", NEW."least_minor", NEW."most_minor", NEW."name", NEW."per_customer", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."prefix", NEW."stacking", NEW."starts_at", NEW."state", NEW."stock", NEW."stores", NEW."uses", NEW."words", NEW."words_zh"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_39955() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "shop_attributedefinitionevent" ("choices", "id", "is_customers", "label", "label_zh", "maximum", "minimum", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "type") VALUES (NEW."choices", NEW."id", NEW."is_customers", NEW."label", NEW."label_zh", NEW."maximum", NEW."minimum", NEW."name", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."type"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_3e212() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "shop_consentwordingevent" ("channel", "chinese", "english", "id", "made_at", "made_by_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose", "version") VALUES (NEW."channel", NEW."chinese", NEW."english", NEW."id", NEW."made_at", NEW."made_by_id", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."purpose", NEW."version"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_3f069() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "messaging_sendevent" ("counts", "created_at", "created_by_id", "expires_at", "holdout_bp", "id", "is_transactional", "kind", "label", "offer_id", "over", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "priority", "purpose", "source_id", "state", "step", "tag", "trouble") VALUES (NEW."counts", NEW."created_at", NEW."created_by_id", NEW."expires_at", NEW."holdout_bp", NEW."id", NEW."is_transactional", NEW."kind", NEW."label", NEW."offer_id", NEW."over", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."priority", NEW."purpose", NEW."source_id", NEW."state", NEW."step", NEW."tag", NEW."trouble"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_469ec() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "shop_tagevent" ("colour", "description", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "removed_at") VALUES (NEW."colour", NEW."description", NEW."id", NEW."name", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."removed_at"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_4b531() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "messaging_capevent" ("days", "id", "is_rolling", "medium", "most", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "tag") VALUES (NEW."days", NEW."id", NEW."is_rolling", NEW."medium", NEW."most", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."tag"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_4ba98() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "experiments_experimentevent" ("created_at", "created_by_id", "days", "ended_at", "fingerprint", "id", "metric", "name", "outcomes", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "planned", "question", "salt", "segment_id", "started_at", "state", "varies", "winner_id") VALUES (NEW."created_at", NEW."created_by_id", NEW."days", NEW."ended_at", NEW."fingerprint", NEW."id", NEW."metric", NEW."name", NEW."outcomes", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."planned", NEW."question", NEW."salt", NEW."segment_id", NEW."started_at", NEW."state", NEW."varies", NEW."winner_id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_4e7da() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "journeys_approvalevent" ("answer", "asked_at", "asked_by_id", "campaign_id", "customers", "decided_at", "decided_by_id", "fingerprint", "id", "journey_id", "moves", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state") VALUES (NEW."answer", NEW."asked_at", NEW."asked_by_id", NEW."campaign_id", NEW."customers", NEW."decided_at", NEW."decided_by_id", NEW."fingerprint", NEW."id", NEW."journey_id", NEW."moves", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."state"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_54f67() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "journeys_campaignevent" ("archived_at", "at", "clock", "created_at", "created_by_id", "excluded", "holdout_bp", "id", "lasts_days", "name", "offer_id", "on_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "priority", "purpose", "segment_id", "send_id", "started_at", "starts_at", "state", "tag", "timing", "window_days") VALUES (NEW."archived_at", NEW."at", NEW."clock", NEW."created_at", NEW."created_by_id", NEW."excluded", NEW."holdout_bp", NEW."id", NEW."lasts_days", NEW."name", NEW."offer_id", NEW."on_day", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."priority", NEW."purpose", NEW."segment_id", NEW."send_id", NEW."started_at", NEW."starts_at", NEW."state", NEW."tag", NEW."timing", NEW."window_days"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_570bf() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "experiments_armevent" ("experiment_id", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "share_bp", "source_id", "source_kind") VALUES (NEW."experiment_id", NEW."id", NEW."name", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."position", NEW."share_bp", NEW."source_id", NEW."source_kind"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_5c243() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "segments_segmentevent" ("archived_at", "code", "created_at", "created_by_id", "description", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rule", "version") VALUES (NEW."archived_at", NEW."code", NEW."created_at", NEW."created_by_id", NEW."description", NEW."id", NEW."kind", NEW."name", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."rule", NEW."version"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_60cd2() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "segments_kepttagevent" ("by_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "segment_id", "since_at", "tag_id") VALUES (NEW."by_id", NEW."id", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."segment_id", NEW."since_at", NEW."tag_id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_62962() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "staff_apikeyevent" ("created_at", "created_by_id", "expires_at", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prefix", "revoked_at", "scopes") VALUES (NEW."created_at", NEW."created_by_id", NEW."expires_at", NEW."id", NEW."name", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."prefix", NEW."revoked_at", NEW."scopes"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_731b2() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "intake_columnmapevent" ("created_at", "header", "id", "kind", "mapping", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."created_at", NEW."header", NEW."id", NEW."kind", NEW."mapping", NEW."name", _pgh_attach_context(), NOW(), 'update', NEW."id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_82b82() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "intake_connectionevent" ("address", "connected_at", "connected_by_id", "connector", "disconnected_at", "id", "key", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "store_id") VALUES (NEW."address", NEW."connected_at", NEW."connected_by_id", NEW."connector", NEW."disconnected_at", NEW."id", NEW."key", NEW."name", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."store_id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_89fa1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "journeys_ownplaybookevent" ("added_at", "added_by_id", "code", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "text") VALUES (NEW."added_at", NEW."added_by_id", NEW."code", NEW."id", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."text"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_8c3eb() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "staff_userevent" ("email", "id", "is_active", "is_superuser", "joined_at", "language", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role") VALUES (NEW."email", NEW."id", NEW."is_active", NEW."is_superuser", NEW."joined_at", NEW."language", NEW."name", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."role"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_8e0bc() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "messaging_quiethoursevent" ("begins", "ends", "id", "medium", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."begins", NEW."ends", NEW."id", NEW."medium", _pgh_attach_context(), NOW(), 'update', NEW."id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_9bbe1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "shop_consentofferevent" ("channel", "id", "is_confirmed", "is_offered", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose") VALUES (NEW."channel", NEW."id", NEW."is_confirmed", NEW."is_offered", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."purpose"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_9bdd8() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "messaging_templateevent" ("archived_at", "created_at", "created_by_id", "description", "format", "id", "language", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."archived_at", NEW."created_at", NEW."created_by_id", NEW."description", NEW."format", NEW."id", NEW."language", NEW."name", _pgh_attach_context(), NOW(), 'update', NEW."id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_a142c() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "journeys_adoptedplaybookevent" ("chosen", "code", "id", "journey_id", "made", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "turned_on_at", "turned_on_by_id") VALUES (NEW."chosen", NEW."code", NEW."id", NEW."journey_id", NEW."made", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."turned_on_at", NEW."turned_on_by_id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_a58ec() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "journeys_journeyevent" ("archived_at", "created_at", "created_by_id", "current_id", "description", "ended_at", "graph", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "salt", "started_at", "state") VALUES (NEW."archived_at", NEW."created_at", NEW."created_by_id", NEW."current_id", NEW."description", NEW."ended_at", NEW."graph", NEW."id", NEW."name", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."salt", NEW."started_at", NEW."state"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_b1062() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "shop_privacyrequestevent" ("answer", "asked_at", "confirmed_at", "customer_id", "decided_at", "decided_by_id", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source", "state") VALUES (NEW."answer", NEW."asked_at", NEW."confirmed_at", NEW."customer_id", NEW."decided_at", NEW."decided_by_id", NEW."id", NEW."kind", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."source", NEW."state"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_b78bc() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "journeys_approvalruleevent" ("above", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."above", NEW."id", _pgh_attach_context(), NOW(), 'update', NEW."id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_cafc6() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "planner_capacityevent" ("calls_per_day", "id", "messages_per_day", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."calls_per_day", NEW."id", NEW."messages_per_day", _pgh_attach_context(), NOW(), 'update', NEW."id"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_d16ee() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "reports_reviewmailingevent" ("id", "language", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "recipients") VALUES (NEW."id", NEW."language", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."recipients"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_d2657() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "messaging_channelevent" ("cost_minor", "created_at", "created_by_id", "domain_per_minute", "id", "is_active", "key", "kind", "medium", "name", "options", "per_minute", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "warm_up_first", "warm_up_from") VALUES (NEW."cost_minor", NEW."created_at", NEW."created_by_id", NEW."domain_per_minute", NEW."id", NEW."is_active", NEW."key", NEW."kind", NEW."medium", NEW."name", NEW."options", NEW."per_minute", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."warm_up_first", NEW."warm_up_from"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.pgtrigger_update_update_eccab() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO "insights_policyevent" ("as_of_day", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rfm", "stages", "tiers") VALUES (NEW."as_of_day", NEW."id", _pgh_attach_context(), NOW(), 'update', NEW."id", NEW."rfm", NEW."stages", NEW."tiers"); RETURN NULL;
                END;
            $$;



CREATE FUNCTION public.procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
BEGIN
    IF delete_job THEN
        DELETE FROM procrastinate_jobs
        WHERE id = job_id AND status = 'todo'
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        IF abort THEN
            UPDATE procrastinate_jobs
            SET abort_requested = true,
                status = CASE status
                    WHEN 'todo' THEN 'cancelled'::procrastinate_job_status ELSE status
                END
            WHERE id = job_id AND status IN ('todo', 'doing')
            RETURNING id INTO _job_id;
        ELSE
            UPDATE procrastinate_jobs
            SET status = 'cancelled'::procrastinate_job_status
            WHERE id = job_id AND status = 'todo'
            RETURNING id INTO _job_id;
        END IF;
    END IF;
    RETURN _job_id;
END;
$$;



CREATE FUNCTION public.procrastinate_defer_jobs_v1(jobs public.procrastinate_job_to_defer_v1[]) RETURNS bigint[]
    LANGUAGE plpgsql
    AS $$
DECLARE
    job_ids bigint[];
BEGIN
    WITH inserted_jobs AS (
        INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
        SELECT (job).queue_name,
               (job).task_name,
               (job).priority,
               (job).lock,
               (job).queueing_lock,
               (job).args,
               (job).scheduled_at
        FROM unnest(jobs) AS job
        RETURNING id
    )
    SELECT array_agg(id) FROM inserted_jobs INTO job_ids;

    RETURN job_ids;
END;
$$;



CREATE FUNCTION public.procrastinate_defer_periodic_job_v2(_queue_name character varying, _lock character varying, _queueing_lock character varying, _task_name character varying, _priority integer, _periodic_id character varying, _defer_timestamp bigint, _args jsonb) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
	_job_id bigint;
	_defer_id bigint;
BEGIN
    INSERT
        INTO procrastinate_periodic_defers (task_name, periodic_id, defer_timestamp)
        VALUES (_task_name, _periodic_id, _defer_timestamp)
        ON CONFLICT DO NOTHING
        RETURNING id into _defer_id;

    IF _defer_id IS NULL THEN
        RETURN NULL;
    END IF;

    UPDATE procrastinate_periodic_defers
        SET job_id = (
            SELECT COALESCE((
                SELECT unnest(procrastinate_defer_jobs_v1(
                    ARRAY[
                        ROW(
                            _queue_name,
                            _task_name,
                            _priority,
                            _lock,
                            _queueing_lock,
                            _args,
                            NULL::timestamptz
                        )
                    ]::procrastinate_job_to_defer_v1[]
                ))
            ), NULL)
        )
        WHERE id = _defer_id
        RETURNING job_id INTO _job_id;

    DELETE
        FROM procrastinate_periodic_defers
        USING (
            SELECT id
            FROM procrastinate_periodic_defers
            WHERE procrastinate_periodic_defers.task_name = _task_name
            AND procrastinate_periodic_defers.periodic_id = _periodic_id
            AND procrastinate_periodic_defers.defer_timestamp < _defer_timestamp
            ORDER BY id
            FOR UPDATE
        ) to_delete
        WHERE procrastinate_periodic_defers.id = to_delete.id;

    RETURN _job_id;
END;
$$;





CREATE TABLE public.procrastinate_jobs (
    id bigint NOT NULL,
    queue_name character varying(128) NOT NULL,
    task_name character varying(128) NOT NULL,
    lock text,
    args jsonb DEFAULT '{}'::jsonb NOT NULL,
    status public.procrastinate_job_status DEFAULT 'todo'::public.procrastinate_job_status NOT NULL,
    scheduled_at timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    queueing_lock text,
    priority integer DEFAULT 0 NOT NULL,
    abort_requested boolean DEFAULT false NOT NULL,
    worker_id bigint,
    CONSTRAINT check_not_todo_abort_requested CHECK ((NOT ((status = 'todo'::public.procrastinate_job_status) AND (abort_requested = true))))
);



CREATE FUNCTION public.procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint) RETURNS public.procrastinate_jobs
    LANGUAGE plpgsql
    AS $$
DECLARE
	found_jobs procrastinate_jobs;
BEGIN
    WITH candidate AS (
        SELECT jobs.*
            FROM procrastinate_jobs AS jobs
            WHERE
                -- reject the job if its lock has earlier or higher priority jobs
                NOT EXISTS (
                    SELECT 1
                        FROM procrastinate_jobs AS other_jobs
                        WHERE
                            jobs.lock IS NOT NULL
                            AND other_jobs.lock = jobs.lock
                            AND (
                                -- job with same lock is already running
                                other_jobs.status = 'doing'
                                OR
                                -- job with same lock is waiting and has higher priority (or same priority but was queued first)
                                (
                                    other_jobs.status = 'todo'
                                    AND (
                                        other_jobs.priority > jobs.priority
                                        OR (
                                        other_jobs.priority = jobs.priority
                                        AND other_jobs.id < jobs.id
                                        )
                                    )
                                )
                            )
                )
                AND jobs.status = 'todo'
                AND (target_queue_names IS NULL OR jobs.queue_name = ANY( target_queue_names ))
                AND (jobs.scheduled_at IS NULL OR jobs.scheduled_at <= now())
            ORDER BY jobs.priority DESC, jobs.id ASC LIMIT 1
            FOR UPDATE OF jobs SKIP LOCKED
    )
    UPDATE procrastinate_jobs
        SET status = 'doing', worker_id = p_worker_id
        FROM candidate
        WHERE procrastinate_jobs.id = candidate.id
        RETURNING procrastinate_jobs.* INTO found_jobs;

 RETURN found_jobs;
END;
$$;



CREATE FUNCTION public.procrastinate_finish_job_v1(job_id bigint, end_status public.procrastinate_job_status, delete_job boolean) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
BEGIN
    IF end_status NOT IN ('succeeded', 'failed', 'aborted') THEN
        RAISE 'End status should be either "succeeded", "failed" or "aborted" (job id: %)', job_id;
    END IF;
    IF delete_job THEN
        DELETE FROM procrastinate_jobs
        WHERE id = job_id AND status IN ('todo', 'doing')
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = end_status,
            abort_requested = false,
            attempts = CASE status
                WHEN 'doing' THEN attempts + 1 ELSE attempts
            END
        WHERE id = job_id AND status IN ('todo', 'doing')
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        RAISE 'Job was not found or not in "doing" or "todo" status (job id: %)', job_id;
    END IF;
END;
$$;



CREATE FUNCTION public.procrastinate_notify_queue_abort_job_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    payload TEXT;
BEGIN
    SELECT json_build_object('type', 'abort_job_requested', 'job_id', NEW.id)::text INTO payload;
	PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, payload);
	PERFORM pg_notify('procrastinate_any_queue_v1', payload);
	RETURN NEW;
END;
$$;



CREATE FUNCTION public.procrastinate_notify_queue_job_inserted_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    payload TEXT;
BEGIN
    SELECT json_build_object('type', 'job_inserted', 'job_id', NEW.id)::text INTO payload;
	PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, payload);
	PERFORM pg_notify('procrastinate_any_queue_v1', payload);
	RETURN NEW;
END;
$$;



CREATE FUNCTION public.procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat double precision) RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
    AS $$
BEGIN
    RETURN QUERY
    DELETE FROM procrastinate_workers
    WHERE last_heartbeat < NOW() - (seconds_since_heartbeat || 'SECOND')::INTERVAL
    RETURNING procrastinate_workers.id;
END;
$$;



CREATE FUNCTION public.procrastinate_register_worker_v1() RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
    AS $$
BEGIN
    RETURN QUERY
    INSERT INTO procrastinate_workers DEFAULT VALUES
    RETURNING procrastinate_workers.id;
END;
$$;



CREATE FUNCTION public.procrastinate_retry_job_v1(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
    _abort_requested boolean;
BEGIN
    SELECT abort_requested FROM procrastinate_jobs
    WHERE id = job_id AND status = 'doing'
    FOR UPDATE
    INTO _abort_requested;
    IF _abort_requested THEN
        UPDATE procrastinate_jobs
        SET status = 'failed'::procrastinate_job_status
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = 'todo'::procrastinate_job_status,
            attempts = attempts + 1,
            scheduled_at = retry_at,
            priority = COALESCE(new_priority, priority),
            queue_name = COALESCE(new_queue_name, queue_name),
            lock = COALESCE(new_lock, lock)
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    END IF;

    IF _job_id IS NULL THEN
        RAISE 'Job was not found or not in "doing" status (job id: %)', job_id;
    END IF;
END;
$$;



CREATE FUNCTION public.procrastinate_retry_job_v2(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
    _abort_requested boolean;
    _current_status procrastinate_job_status;
BEGIN
    SELECT status, abort_requested FROM procrastinate_jobs
    WHERE id = job_id AND status IN ('doing', 'failed')
    FOR UPDATE
    INTO _current_status, _abort_requested;
    IF _current_status = 'doing' AND _abort_requested THEN
        UPDATE procrastinate_jobs
        SET status = 'failed'::procrastinate_job_status
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = 'todo'::procrastinate_job_status,
            attempts = attempts + 1,
            scheduled_at = retry_at,
            priority = COALESCE(new_priority, priority),
            queue_name = COALESCE(new_queue_name, queue_name),
            lock = COALESCE(new_lock, lock)
        WHERE id = job_id AND status IN ('doing', 'failed')
        RETURNING id INTO _job_id;
    END IF;

    IF _job_id IS NULL THEN
        RAISE 'Job was not found or has an invalid status to retry (job id: %)', job_id;
    END IF;

END;
$$;



CREATE FUNCTION public.procrastinate_trigger_abort_requested_events_procedure_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type)
        VALUES (NEW.id, 'abort_requested'::procrastinate_job_event_type);
    RETURN NEW;
END;
$$;



CREATE FUNCTION public.procrastinate_trigger_function_scheduled_events_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type, at)
        VALUES (NEW.id, 'scheduled'::procrastinate_job_event_type, NEW.scheduled_at);

	RETURN NEW;
END;
$$;



CREATE FUNCTION public.procrastinate_trigger_function_status_events_insert_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type)
        VALUES (NEW.id, 'deferred'::procrastinate_job_event_type);
	RETURN NEW;
END;
$$;



CREATE FUNCTION public.procrastinate_trigger_function_status_events_update_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    WITH t AS (
        SELECT CASE
            WHEN OLD.status = 'todo'::procrastinate_job_status
                AND NEW.status = 'doing'::procrastinate_job_status
                THEN 'started'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'todo'::procrastinate_job_status
                THEN 'deferred_for_retry'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'failed'::procrastinate_job_status
                THEN 'failed'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'succeeded'::procrastinate_job_status
                THEN 'succeeded'::procrastinate_job_event_type
            WHEN OLD.status = 'todo'::procrastinate_job_status
                AND (
                    NEW.status = 'cancelled'::procrastinate_job_status
                    OR NEW.status = 'failed'::procrastinate_job_status
                    OR NEW.status = 'succeeded'::procrastinate_job_status
                )
                THEN 'cancelled'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'aborted'::procrastinate_job_status
                THEN 'aborted'::procrastinate_job_event_type
            WHEN OLD.status = 'failed'::procrastinate_job_status
                AND NEW.status = 'todo'::procrastinate_job_status
                THEN 'retried'::procrastinate_job_event_type
            ELSE NULL
        END as event_type
    )
    INSERT INTO procrastinate_events(job_id, type)
        SELECT NEW.id, t.event_type
        FROM t
        WHERE t.event_type IS NOT NULL;
	RETURN NEW;
END;
$$;



CREATE FUNCTION public.procrastinate_unlink_periodic_defers_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE procrastinate_periodic_defers
    SET job_id = NULL
    WHERE job_id = OLD.id;
    RETURN OLD;
END;
$$;



CREATE FUNCTION public.procrastinate_unregister_worker_v1(worker_id bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    DELETE FROM procrastinate_workers
    WHERE id = worker_id;
END;
$$;



CREATE FUNCTION public.procrastinate_update_heartbeat_v1(worker_id bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE procrastinate_workers
    SET last_heartbeat = NOW()
    WHERE id = worker_id;
END;
$$;



CREATE FUNCTION public.shop_grams(value text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
DECLARE
    lowered text := lower(value COLLATE "default");
    grams text[] := '{}';
BEGIN
    FOR place IN 1 .. greatest(length(lowered) - 1, 1) LOOP
        grams := grams || substr(lowered, place, 2);
    END LOOP;
    RETURN grams;
END
$$;



CREATE FUNCTION public.shop_keep_change() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_nestloop TO 'off'
    AS $$
DECLARE
    current bigint := nullif(current_setting('regulars.change_set', true), '')::bigint;
    last_id bigint;
BEGIN
    IF current IS NOT NULL THEN
        last_id := (current_setting('regulars.last_ids')::jsonb ->> TG_TABLE_NAME)::bigint;
        INSERT INTO shop_changedrow (change_set_id, "table", row_id, before, after)
        SELECT current, TG_TABLE_NAME, o.id, to_jsonb(o), to_jsonb(n)
        FROM (SELECT * FROM old_rows WHERE id <= last_id) o JOIN (SELECT * FROM new_rows WHERE id <= last_id) n USING (id)
        ON CONFLICT (change_set_id, "table", row_id) DO UPDATE SET after = excluded.after;
    END IF;
    RETURN NULL;
END $$;



CREATE FUNCTION public.shop_touch() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        EXECUTE format(
            'INSERT INTO shop_touchedcustomer (customer_id) SELECT %1$I FROM old_rows UNION SELECT %1$I FROM new_rows',
            TG_ARGV[0]
        );
    ELSE
        EXECUTE format('INSERT INTO shop_touchedcustomer (customer_id) SELECT DISTINCT %I FROM some_rows', TG_ARGV[0]);
    END IF;
    RETURN NULL;
END $_$;



CREATE TABLE public.account_emailaddress (
    id integer NOT NULL,
    email character varying(254) NOT NULL,
    verified boolean NOT NULL,
    "primary" boolean NOT NULL,
    user_id bigint NOT NULL
);



ALTER TABLE public.account_emailaddress ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.account_emailaddress_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.account_emailconfirmation (
    id integer NOT NULL,
    created timestamp with time zone NOT NULL,
    sent timestamp with time zone,
    key character varying(64) NOT NULL,
    email_address_id integer NOT NULL
);



ALTER TABLE public.account_emailconfirmation ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.account_emailconfirmation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE UNLOGGED TABLE public.api_ratewindow (
    api_key_id bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    calls integer NOT NULL
);



CREATE TABLE public.api_reply (
    id bigint NOT NULL,
    api_key_id bigint NOT NULL,
    idempotency_key character varying(255) NOT NULL COLLATE pg_catalog."C",
    request_sha256 character varying(64) NOT NULL,
    status smallint,
    body text NOT NULL,
    location character varying(500) NOT NULL,
    created_at timestamp with time zone NOT NULL
);



ALTER TABLE public.api_reply ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.api_reply_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.auth_group (
    id integer NOT NULL,
    name character varying(150) NOT NULL
);



ALTER TABLE public.auth_group ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_group_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.auth_group_permissions (
    id bigint NOT NULL,
    group_id integer NOT NULL,
    permission_id integer NOT NULL
);



ALTER TABLE public.auth_group_permissions ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_group_permissions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.auth_permission (
    id integer NOT NULL,
    name character varying(255) NOT NULL,
    content_type_id integer NOT NULL,
    codename character varying(100) NOT NULL
);



ALTER TABLE public.auth_permission ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_permission_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.console_savedview (
    id bigint NOT NULL,
    owner_id bigint NOT NULL,
    name character varying(60) NOT NULL,
    query text NOT NULL,
    is_shared boolean NOT NULL
);



ALTER TABLE public.console_savedview ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.console_savedview_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.django_content_type (
    id integer NOT NULL,
    app_label character varying(100) NOT NULL,
    model character varying(100) NOT NULL
);



ALTER TABLE public.django_content_type ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.django_content_type_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.django_migrations (
    id bigint NOT NULL,
    app character varying(255) NOT NULL,
    name character varying(255) NOT NULL,
    applied timestamp with time zone NOT NULL
);



ALTER TABLE public.django_migrations ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.django_migrations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.django_session (
    session_key character varying(40) NOT NULL,
    session_data text NOT NULL,
    expire_date timestamp with time zone NOT NULL
);



CREATE TABLE public.experiments_arm (
    id bigint NOT NULL,
    "position" smallint NOT NULL,
    name character varying(60) NOT NULL,
    share_bp integer NOT NULL,
    source_kind character varying(30) NOT NULL COLLATE pg_catalog."C",
    source_id bigint,
    experiment_id bigint NOT NULL,
    CONSTRAINT experiments_arm_position_check CHECK (("position" >= 0)),
    CONSTRAINT experiments_arm_share CHECK (((share_bp >= 1) AND (share_bp <= 9999))),
    CONSTRAINT experiments_arm_share_bp_check CHECK ((share_bp >= 0)),
    CONSTRAINT experiments_arm_source CHECK ((((source_id IS NULL) AND ((source_kind)::text = ''::text)) OR ((NOT ((source_kind)::text = ''::text)) AND (source_id IS NOT NULL))))
);



ALTER TABLE public.experiments_arm ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.experiments_arm_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.experiments_armevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id bigint NOT NULL,
    "position" smallint NOT NULL,
    name character varying(60) NOT NULL,
    share_bp integer NOT NULL,
    source_kind character varying(30) NOT NULL COLLATE pg_catalog."C",
    source_id bigint,
    pgh_context_id uuid,
    pgh_obj_id bigint NOT NULL,
    experiment_id bigint NOT NULL,
    CONSTRAINT experiments_armevent_position_check CHECK (("position" >= 0)),
    CONSTRAINT experiments_armevent_share_bp_check CHECK ((share_bp >= 0))
);



ALTER TABLE public.experiments_armevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.experiments_armevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.experiments_assignment (
    at timestamp with time zone NOT NULL,
    arm_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    experiment_id bigint NOT NULL
);



CREATE TABLE public.experiments_experiment (
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    question character varying(500) NOT NULL,
    varies character varying(20) NOT NULL,
    metric character varying(60) NOT NULL,
    days smallint NOT NULL,
    salt character varying(60) NOT NULL COLLATE pg_catalog."C",
    state character varying(20) NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    planned jsonb NOT NULL,
    outcomes jsonb NOT NULL,
    fingerprint character varying(64) COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    created_by_id bigint,
    segment_id bigint,
    winner_id bigint,
    CONSTRAINT experiments_experiment_days CHECK (((days >= 1) AND (days <= 365))),
    CONSTRAINT experiments_experiment_days_check CHECK ((days >= 0)),
    CONSTRAINT experiments_experiment_named CHECK ((NOT ((name)::text = ''::text))),
    CONSTRAINT experiments_experiment_state CHECK ((((ended_at IS NULL) AND (fingerprint IS NULL) AND (started_at IS NULL) AND ((state)::text = 'draft'::text) AND (winner_id IS NULL)) OR ((ended_at IS NULL) AND (fingerprint IS NULL) AND (started_at IS NOT NULL) AND ((state)::text = 'running'::text) AND (winner_id IS NULL)) OR ((ended_at >= started_at) AND (started_at IS NOT NULL) AND ((state)::text = 'stopped'::text) AND (winner_id IS NULL)) OR ((ended_at >= started_at) AND (started_at IS NOT NULL) AND ((state)::text = 'rolled_out'::text) AND (winner_id IS NOT NULL)) OR ((fingerprint IS NOT NULL) AND (segment_id IS NULL) AND ((state)::text = 'imported'::text) AND (winner_id IS NULL))))
);



ALTER TABLE public.experiments_experiment ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.experiments_experiment_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.experiments_experimentevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    question character varying(500) NOT NULL,
    varies character varying(20) NOT NULL,
    metric character varying(60) NOT NULL,
    days smallint NOT NULL,
    salt character varying(60) NOT NULL COLLATE pg_catalog."C",
    state character varying(20) NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    planned jsonb NOT NULL,
    outcomes jsonb NOT NULL,
    fingerprint character varying(64) COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    created_by_id bigint,
    pgh_context_id uuid,
    pgh_obj_id bigint NOT NULL,
    segment_id bigint,
    winner_id bigint,
    CONSTRAINT experiments_experimentevent_days_check CHECK ((days >= 0))
);



ALTER TABLE public.experiments_experimentevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.experiments_experimentevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.insights_backtest (
    model character varying(20) NOT NULL,
    run_id bigint NOT NULL,
    verdict character varying(10) NOT NULL,
    reason character varying(30) NOT NULL,
    rule character varying(30) NOT NULL,
    result jsonb NOT NULL,
    CONSTRAINT insights_backtest_verdict CHECK (((verdict)::text = ANY (ARRAY[('model'::character varying)::text, ('rule'::character varying)::text])))
);



CREATE TABLE public.insights_backtestrun (
    id bigint NOT NULL,
    model_names jsonb NOT NULL,
    as_of_day integer,
    state character varying(20) NOT NULL,
    stage character varying(40) NOT NULL,
    done integer NOT NULL,
    total integer,
    customers bigint NOT NULL,
    sampled bigint NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    error text NOT NULL
);



ALTER TABLE public.insights_backtestrun ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.insights_backtestrun_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.insights_dueproduct (
    id bigint NOT NULL,
    customer_id bigint NOT NULL,
    product_id bigint NOT NULL,
    last_day integer NOT NULL,
    quantity double precision NOT NULL,
    expected_days double precision NOT NULL,
    soon_day integer NOT NULL,
    due_day integer NOT NULL,
    late_day integer NOT NULL,
    confidence double precision NOT NULL
);



ALTER TABLE public.insights_dueproduct ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.insights_dueproduct_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.insights_factspartition (
    id bigint NOT NULL,
    dataset character varying(40) NOT NULL,
    month date NOT NULL,
    version bigint NOT NULL,
    rows bigint NOT NULL,
    written_at timestamp with time zone NOT NULL
);



ALTER TABLE public.insights_factspartition ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.insights_factspartition_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.insights_learning (
    id bigint NOT NULL,
    as_of_day integer NOT NULL,
    content jsonb NOT NULL,
    learnt_at timestamp with time zone NOT NULL
);



ALTER TABLE public.insights_learning ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.insights_learning_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.insights_policy (
    id smallint NOT NULL,
    as_of_day integer,
    rfm jsonb NOT NULL,
    tiers jsonb NOT NULL,
    stages jsonb NOT NULL,
    CONSTRAINT insights_policy_one_row CHECK ((id = 1))
);



CREATE TABLE public.insights_policyevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id smallint NOT NULL,
    pgh_context_id uuid,
    id smallint NOT NULL,
    as_of_day integer,
    rfm jsonb NOT NULL,
    tiers jsonb NOT NULL,
    stages jsonb NOT NULL
);



ALTER TABLE public.insights_policyevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.insights_policyevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.insights_profile (
    customer_id bigint NOT NULL,
    orders integer NOT NULL,
    frequency integer NOT NULL,
    monetary_minor bigint NOT NULL,
    year_minor bigint NOT NULL,
    r smallint,
    f smallint,
    m smallint,
    cell character varying(3) NOT NULL COLLATE pg_catalog."C",
    tier character varying(20) NOT NULL,
    stage character varying(20) NOT NULL,
    first_day integer,
    last_day integer,
    cycle_days double precision,
    rhythm_days double precision,
    due_day integer,
    late_day integer,
    scored_day integer,
    p_alive double precision,
    expected_orders double precision,
    clv_minor bigint,
    next_from_day integer,
    next_day integer,
    next_until_day integer,
    churn_probability double precision,
    churn_reasons jsonb,
    CONSTRAINT insights_profile_scores CHECK (((r IS NULL) OR ((f >= 1) AND (f <= 5) AND ((m >= 1) AND (m <= 5)) AND ((r >= 1) AND (r <= 5)))))
);



CREATE TABLE public.insights_profilechange (
    id bigint NOT NULL,
    customer_id bigint NOT NULL,
    label character varying(20) NOT NULL,
    before character varying(20) NOT NULL,
    after character varying(20) NOT NULL,
    as_of_day integer NOT NULL,
    run_id bigint NOT NULL
);



ALTER TABLE public.insights_profilechange ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.insights_profilechange_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.insights_recommendation (
    id bigint NOT NULL,
    customer_id bigint NOT NULL,
    rank smallint NOT NULL,
    product_id bigint NOT NULL,
    score double precision NOT NULL,
    reason character varying(20) NOT NULL
);



ALTER TABLE public.insights_recommendation ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.insights_recommendation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.insights_relatedproduct (
    id bigint NOT NULL,
    product_id bigint NOT NULL,
    kind character varying(20) NOT NULL,
    rank smallint NOT NULL,
    other_id bigint NOT NULL,
    score double precision NOT NULL,
    customers integer NOT NULL
);



ALTER TABLE public.insights_relatedproduct ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.insights_relatedproduct_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.insights_run (
    id bigint NOT NULL,
    as_of_day integer NOT NULL,
    engine character varying(20) NOT NULL,
    state character varying(20) NOT NULL,
    stage character varying(40) NOT NULL,
    currency character varying(3) NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    profiles bigint NOT NULL,
    profiles_written bigint NOT NULL,
    store_cycle jsonb NOT NULL,
    thresholds jsonb NOT NULL,
    summary jsonb NOT NULL,
    learning_id bigint,
    error text NOT NULL
);



ALTER TABLE public.insights_run ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.insights_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.insights_taste (
    customer_id bigint NOT NULL,
    mark bigint NOT NULL,
    need character varying(10) NOT NULL COLLATE pg_catalog."C",
    price double precision,
    price_purchases integer NOT NULL,
    discounted integer NOT NULL,
    quality double precision,
    quality_purchases integer NOT NULL,
    brand double precision,
    brand_choices integer NOT NULL,
    stayed integer NOT NULL,
    category character varying(200) NOT NULL,
    category_share double precision,
    favourite_brand character varying(200) NOT NULL,
    brand_share double precision,
    variety double precision
);



CREATE TABLE public.intake_backfill (
    id bigint NOT NULL,
    connection_id bigint NOT NULL,
    since timestamp with time zone,
    state character varying(10) NOT NULL,
    resource character varying(40) NOT NULL,
    cursor text NOT NULL,
    read bigint NOT NULL,
    total bigint,
    changed bigint NOT NULL,
    parked bigint NOT NULL,
    error_code character varying(60) NOT NULL,
    error text NOT NULL,
    created_by_id bigint,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone
);



ALTER TABLE public.intake_backfill ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.intake_backfill_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.intake_call (
    id bigint NOT NULL,
    source_id bigint NOT NULL,
    kind character varying(10) NOT NULL,
    body bytea NOT NULL,
    events integer NOT NULL,
    received_at timestamp with time zone NOT NULL,
    worked_at timestamp with time zone,
    outcomes text NOT NULL,
    notes jsonb NOT NULL,
    CONSTRAINT intake_call_events_check CHECK ((events >= 0))
);



ALTER TABLE public.intake_call ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.intake_call_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.intake_columnmap (
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    kind character varying(20) NOT NULL,
    header jsonb NOT NULL,
    mapping jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL
);



ALTER TABLE public.intake_columnmap ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.intake_columnmap_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.intake_columnmapevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id bigint NOT NULL,
    pgh_context_id uuid,
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    kind character varying(20) NOT NULL,
    header jsonb NOT NULL,
    mapping jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL
);



ALTER TABLE public.intake_columnmapevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.intake_columnmapevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.intake_connection (
    id bigint NOT NULL,
    connector character varying(40) NOT NULL COLLATE pg_catalog."C",
    name character varying(60) NOT NULL,
    store_id bigint NOT NULL,
    address character varying(300) NOT NULL COLLATE pg_catalog."C",
    key character varying(40) NOT NULL COLLATE pg_catalog."C",
    connected_by_id bigint,
    connected_at timestamp with time zone NOT NULL,
    disconnected_at timestamp with time zone
);



ALTER TABLE public.intake_connection ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.intake_connection_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.intake_connectionevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id bigint NOT NULL,
    pgh_context_id uuid,
    id bigint NOT NULL,
    connector character varying(40) NOT NULL COLLATE pg_catalog."C",
    name character varying(60) NOT NULL,
    store_id bigint NOT NULL,
    address character varying(300) NOT NULL COLLATE pg_catalog."C",
    key character varying(40) NOT NULL COLLATE pg_catalog."C",
    connected_by_id bigint,
    connected_at timestamp with time zone NOT NULL,
    disconnected_at timestamp with time zone
);



ALTER TABLE public.intake_connectionevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.intake_connectionevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.intake_credential (
    id bigint NOT NULL,
    connection_id bigint NOT NULL,
    use character varying(10) NOT NULL,
    sealed text NOT NULL,
    added_at timestamp with time zone NOT NULL
);



ALTER TABLE public.intake_credential ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.intake_credential_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.intake_delivery (
    id bigint NOT NULL,
    connection_id bigint NOT NULL,
    key uuid NOT NULL,
    topic character varying(100) NOT NULL,
    is_from_backfill boolean DEFAULT false NOT NULL,
    body bytea,
    state character varying(10) DEFAULT 'waiting'::character varying NOT NULL,
    reason character varying(60) DEFAULT ''::character varying NOT NULL,
    detail character varying(300) DEFAULT ''::character varying NOT NULL,
    received_at timestamp with time zone NOT NULL,
    worked_at timestamp with time zone,
    CONSTRAINT intake_delivery_state_known CHECK (((state)::text = ANY (ARRAY[('waiting'::character varying)::text, ('done'::character varying)::text, ('old'::character varying)::text, ('ignored'::character varying)::text, ('parked'::character varying)::text])))
);



ALTER TABLE public.intake_delivery ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.intake_delivery_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.intake_import (
    id bigint NOT NULL,
    kind character varying(20) NOT NULL,
    store_id bigint NOT NULL,
    file_name character varying(300) NOT NULL,
    file_path character varying(1000) NOT NULL,
    file_bytes bigint NOT NULL,
    file_sha256 character varying(64) NOT NULL,
    header jsonb NOT NULL,
    mapping jsonb NOT NULL,
    state character varying(20) NOT NULL,
    stage character varying(40) NOT NULL,
    stage_done bigint NOT NULL,
    stage_total bigint,
    lines_read bigint NOT NULL,
    lines_accepted bigint NOT NULL,
    lines_rejected bigint NOT NULL,
    refunds_matched bigint NOT NULL,
    refunds_unmatched bigint NOT NULL,
    orders_added bigint NOT NULL,
    customers_added bigint NOT NULL,
    products_added bigint NOT NULL,
    rows_added bigint DEFAULT 0 NOT NULL,
    rows_changed bigint DEFAULT 0 NOT NULL,
    change_set_id bigint,
    undone_at timestamp with time zone,
    error_code character varying(60) NOT NULL,
    error text NOT NULL,
    created_by_id bigint,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    CONSTRAINT intake_import_nothing_lost CHECK (((NOT ((state)::text = ANY (ARRAY[('done'::character varying)::text, ('undoing'::character varying)::text, ('undone'::character varying)::text]))) OR (lines_read = (((lines_accepted + refunds_matched) + refunds_unmatched) + lines_rejected))))
);



ALTER TABLE public.intake_import ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.intake_import_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.intake_privacyrequest (
    id bigint NOT NULL,
    connection_id bigint NOT NULL,
    kind character varying(20) NOT NULL,
    external character varying(200) NOT NULL COLLATE pg_catalog."C",
    reference character varying(64) NOT NULL COLLATE pg_catalog."C",
    orders jsonb NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    done_at timestamp with time zone,
    done_by_id bigint
);



ALTER TABLE public.intake_privacyrequest ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.intake_privacyrequest_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.intake_reject (
    id bigint NOT NULL,
    imported_id bigint NOT NULL,
    line_number bigint NOT NULL,
    "column" character varying(200) NOT NULL,
    value text NOT NULL,
    reason character varying(60) NOT NULL,
    raw jsonb NOT NULL
);



ALTER TABLE public.intake_reject ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.intake_reject_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.intake_shopobject (
    id bigint NOT NULL,
    connection_id bigint NOT NULL,
    kind character varying(10) NOT NULL,
    code character varying(200) NOT NULL COLLATE pg_catalog."C",
    order_code character varying(200) NOT NULL COLLATE pg_catalog."C",
    version_at timestamp with time zone,
    rank smallint NOT NULL,
    digest character varying(64) NOT NULL,
    is_deleted boolean NOT NULL,
    is_restored boolean NOT NULL,
    told jsonb NOT NULL
);



ALTER TABLE public.intake_shopobject ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.intake_shopobject_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.intake_writekey (
    id bigint NOT NULL,
    source_id bigint NOT NULL,
    key character varying(40) NOT NULL COLLATE pg_catalog."C",
    created_by_id bigint,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    origins character varying(300)[] DEFAULT '{}'::character varying(300)[] NOT NULL,
    asks_consent boolean DEFAULT false NOT NULL,
    heeds_signals boolean DEFAULT true NOT NULL
);



ALTER TABLE public.intake_writekey ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.intake_writekey_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.intake_writekeyevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id bigint NOT NULL,
    pgh_context_id uuid,
    id bigint NOT NULL,
    source_id bigint NOT NULL,
    key character varying(40) NOT NULL COLLATE pg_catalog."C",
    created_by_id bigint,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    origins character varying(300)[] DEFAULT '{}'::character varying(300)[] NOT NULL,
    asks_consent boolean DEFAULT false NOT NULL,
    heeds_signals boolean DEFAULT true NOT NULL
);



ALTER TABLE public.intake_writekeyevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.intake_writekeyevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.journeys_adoptedplaybook (
    id bigint NOT NULL,
    code character varying(60) NOT NULL COLLATE pg_catalog."C",
    chosen jsonb NOT NULL,
    made jsonb NOT NULL,
    turned_on_at timestamp with time zone NOT NULL,
    journey_id bigint,
    turned_on_by_id bigint
);



ALTER TABLE public.journeys_adoptedplaybook ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.journeys_adoptedplaybook_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.journeys_adoptedplaybookevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id bigint NOT NULL,
    code character varying(60) NOT NULL COLLATE pg_catalog."C",
    chosen jsonb NOT NULL,
    made jsonb NOT NULL,
    turned_on_at timestamp with time zone NOT NULL,
    journey_id bigint,
    pgh_context_id uuid,
    pgh_obj_id bigint NOT NULL,
    turned_on_by_id bigint
);



ALTER TABLE public.journeys_adoptedplaybookevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.journeys_adoptedplaybookevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.journeys_approval (
    id bigint NOT NULL,
    customers integer,
    moves boolean NOT NULL,
    fingerprint character varying(64) NOT NULL COLLATE pg_catalog."C",
    state character varying(10) NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    decided_at timestamp with time zone,
    answer character varying(500) NOT NULL,
    asked_by_id bigint NOT NULL,
    campaign_id bigint,
    decided_by_id bigint,
    journey_id bigint,
    CONSTRAINT journeys_approval_customers_check CHECK ((customers >= 0)),
    CONSTRAINT journeys_approval_decided CHECK ((((decided_at IS NULL) AND (decided_by_id IS NULL) AND ((state)::text = 'waiting'::text)) OR ((NOT ((state)::text = 'waiting'::text)) AND (decided_at IS NOT NULL) AND (decided_by_id IS NOT NULL)))),
    CONSTRAINT journeys_approval_of_one CHECK ((((campaign_id IS NULL) AND (journey_id IS NOT NULL)) OR ((campaign_id IS NOT NULL) AND (journey_id IS NULL))))
);



ALTER TABLE public.journeys_approval ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.journeys_approval_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.journeys_approvalevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id bigint NOT NULL,
    customers integer,
    moves boolean NOT NULL,
    fingerprint character varying(64) NOT NULL COLLATE pg_catalog."C",
    state character varying(10) NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    decided_at timestamp with time zone,
    answer character varying(500) NOT NULL,
    asked_by_id bigint NOT NULL,
    campaign_id bigint,
    decided_by_id bigint,
    journey_id bigint,
    pgh_context_id uuid,
    pgh_obj_id bigint NOT NULL,
    CONSTRAINT journeys_approvalevent_customers_check CHECK ((customers >= 0))
);



ALTER TABLE public.journeys_approvalevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.journeys_approvalevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.journeys_approvalrule (
    id bigint NOT NULL,
    above integer NOT NULL,
    CONSTRAINT journeys_approvalrule_above_check CHECK ((above >= 0)),
    CONSTRAINT journeys_approvalrule_one CHECK ((id = 1))
);



ALTER TABLE public.journeys_approvalrule ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.journeys_approvalrule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.journeys_approvalruleevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id bigint NOT NULL,
    above integer NOT NULL,
    pgh_context_id uuid,
    pgh_obj_id bigint NOT NULL,
    CONSTRAINT journeys_approvalruleevent_above_check CHECK ((above >= 0))
);



ALTER TABLE public.journeys_approvalruleevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.journeys_approvalruleevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.journeys_campaign (
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    excluded bigint[] NOT NULL,
    purpose character varying(20) NOT NULL,
    tag character varying(60) NOT NULL COLLATE pg_catalog."C",
    priority smallint NOT NULL,
    timing character varying(10) NOT NULL,
    at timestamp with time zone,
    on_day date,
    clock time without time zone,
    holdout_bp integer NOT NULL,
    window_days smallint NOT NULL,
    lasts_days smallint NOT NULL,
    state character varying(10) NOT NULL,
    starts_at timestamp with time zone,
    started_at timestamp with time zone,
    trouble character varying(500) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    archived_at timestamp with time zone,
    created_by_id bigint,
    offer_id bigint,
    segment_id bigint NOT NULL,
    send_id bigint,
    CONSTRAINT journeys_campaign_archived CHECK (((archived_at IS NULL) OR (NOT ((state)::text = 'scheduled'::text)))),
    CONSTRAINT journeys_campaign_holdout_bp_check CHECK ((holdout_bp >= 0)),
    CONSTRAINT journeys_campaign_lasts_days_check CHECK ((lasts_days >= 0)),
    CONSTRAINT journeys_campaign_named CHECK ((NOT ((name)::text = ''::text))),
    CONSTRAINT journeys_campaign_ranges CHECK (((holdout_bp <= 5000) AND (lasts_days >= 1) AND (lasts_days <= 30) AND (priority >= 0) AND (priority <= 100) AND ((purpose)::text = ANY (ARRAY[('marketing'::character varying)::text, ('service'::character varying)::text, ('profiling'::character varying)::text, ('analytics'::character varying)::text])) AND (window_days >= 1) AND (window_days <= 90))),
    CONSTRAINT journeys_campaign_state CHECK ((((send_id IS NULL) AND (started_at IS NULL) AND (starts_at IS NULL) AND ((state)::text = 'draft'::text)) OR ((send_id IS NULL) AND (started_at IS NULL) AND (starts_at IS NOT NULL) AND ((state)::text = 'scheduled'::text)) OR ((send_id IS NOT NULL) AND (started_at IS NOT NULL) AND (starts_at IS NOT NULL) AND ((state)::text = 'begun'::text)))),
    CONSTRAINT journeys_campaign_timing CHECK ((((at IS NULL) AND (clock IS NULL) AND (on_day IS NULL) AND ((timing)::text = 'now'::text)) OR ((at IS NOT NULL) AND (clock IS NULL) AND (on_day IS NULL) AND ((timing)::text = 'at'::text)) OR ((at IS NULL) AND (clock IS NOT NULL) AND (on_day IS NOT NULL) AND ((timing)::text = 'local'::text)))),
    CONSTRAINT journeys_campaign_window_days_check CHECK ((window_days >= 0))
);



ALTER TABLE public.journeys_campaign ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.journeys_campaign_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.journeys_campaignchannel (
    id bigint NOT NULL,
    "position" smallint NOT NULL,
    campaign_id bigint NOT NULL,
    channel_id bigint NOT NULL,
    template_id bigint NOT NULL,
    version_id bigint,
    CONSTRAINT journeys_campaignchannel_position_check CHECK (("position" >= 0))
);



ALTER TABLE public.journeys_campaignchannel ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.journeys_campaignchannel_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.journeys_campaignchannelevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id bigint NOT NULL,
    "position" smallint NOT NULL,
    campaign_id bigint NOT NULL,
    channel_id bigint NOT NULL,
    pgh_context_id uuid,
    pgh_obj_id bigint NOT NULL,
    template_id bigint NOT NULL,
    version_id bigint,
    CONSTRAINT journeys_campaignchannelevent_position_check CHECK (("position" >= 0))
);



ALTER TABLE public.journeys_campaignchannelevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.journeys_campaignchannelevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.journeys_campaignevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    excluded bigint[] NOT NULL,
    purpose character varying(20) NOT NULL,
    tag character varying(60) NOT NULL COLLATE pg_catalog."C",
    priority smallint NOT NULL,
    timing character varying(10) NOT NULL,
    at timestamp with time zone,
    on_day date,
    clock time without time zone,
    holdout_bp integer NOT NULL,
    window_days smallint NOT NULL,
    lasts_days smallint NOT NULL,
    state character varying(10) NOT NULL,
    starts_at timestamp with time zone,
    started_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    archived_at timestamp with time zone,
    created_by_id bigint,
    offer_id bigint,
    pgh_context_id uuid,
    pgh_obj_id bigint NOT NULL,
    segment_id bigint NOT NULL,
    send_id bigint,
    CONSTRAINT journeys_campaignevent_holdout_bp_check CHECK ((holdout_bp >= 0)),
    CONSTRAINT journeys_campaignevent_lasts_days_check CHECK ((lasts_days >= 0)),
    CONSTRAINT journeys_campaignevent_window_days_check CHECK ((window_days >= 0))
);



ALTER TABLE public.journeys_campaignevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.journeys_campaignevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.journeys_enrollment (
    id bigint NOT NULL,
    key character varying(100) NOT NULL COLLATE pg_catalog."C",
    ordinal integer NOT NULL,
    state character varying(10) NOT NULL,
    step character varying(40) NOT NULL COLLATE pg_catalog."C",
    passed integer NOT NULL,
    enrolled_at timestamp with time zone NOT NULL,
    entered_at timestamp with time zone,
    arrived_at timestamp with time zone,
    next_at timestamp with time zone,
    listens boolean NOT NULL,
    left_at timestamp with time zone,
    reason character varying(300) NOT NULL,
    customer_id bigint NOT NULL,
    journey_id bigint NOT NULL,
    version_id bigint NOT NULL,
    CONSTRAINT journeys_enrollment_state CHECK ((((entered_at IS NULL) AND (left_at IS NULL) AND (next_at IS NULL) AND ((state)::text = 'queued'::text)) OR ((arrived_at IS NOT NULL) AND (entered_at IS NOT NULL) AND (left_at IS NULL) AND (next_at IS NOT NULL) AND ((state)::text = 'active'::text)) OR ((entered_at IS NOT NULL) AND (left_at IS NULL) AND (next_at IS NULL) AND ((state)::text = 'parked'::text) AND (NOT ((reason)::text = ''::text))) OR ((left_at IS NOT NULL) AND (next_at IS NULL) AND ((state)::text = ANY (ARRAY[('finished'::character varying)::text, ('goal'::character varying)::text, ('exited'::character varying)::text, ('removed'::character varying)::text, ('held_out'::character varying)::text]))))),
    CONSTRAINT journeys_enrollment_step CHECK (((NOT ((state)::text = ANY (ARRAY[('active'::character varying)::text, ('parked'::character varying)::text]))) OR (NOT ((step)::text = ''::text))))
);



ALTER TABLE public.journeys_enrollment ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.journeys_enrollment_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.journeys_gate (
    journey_id bigint NOT NULL,
    day integer NOT NULL,
    admitted integer NOT NULL,
    looked_at timestamp with time zone
);



CREATE TABLE public.journeys_journey (
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    description character varying(500) NOT NULL,
    state character varying(10) NOT NULL,
    graph jsonb NOT NULL,
    revision integer NOT NULL,
    salt character varying(60) NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    archived_at timestamp with time zone,
    created_by_id bigint,
    current_id bigint,
    CONSTRAINT journeys_journey_archived CHECK (((archived_at IS NULL) OR ((state)::text = ANY (ARRAY[('draft'::character varying)::text, ('ended'::character varying)::text])))),
    CONSTRAINT journeys_journey_named CHECK ((NOT ((name)::text = ''::text))),
    CONSTRAINT journeys_journey_state CHECK ((((current_id IS NULL) AND (ended_at IS NULL) AND (started_at IS NULL) AND ((state)::text = 'draft'::text)) OR ((current_id IS NOT NULL) AND (ended_at IS NULL) AND (started_at IS NOT NULL) AND ((state)::text = ANY (ARRAY[('running'::character varying)::text, ('paused'::character varying)::text]))) OR ((current_id IS NOT NULL) AND (ended_at IS NOT NULL) AND (started_at IS NOT NULL) AND ((state)::text = 'ended'::text))))
);



ALTER TABLE public.journeys_journey ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.journeys_journey_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.journeys_journeyevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    description character varying(500) NOT NULL,
    state character varying(10) NOT NULL,
    graph jsonb NOT NULL,
    salt character varying(60) NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    archived_at timestamp with time zone,
    created_by_id bigint,
    pgh_context_id uuid,
    pgh_obj_id bigint NOT NULL,
    current_id bigint
);



ALTER TABLE public.journeys_journeyevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.journeys_journeyevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.journeys_journeyversion (
    id bigint NOT NULL,
    number integer NOT NULL,
    graph jsonb NOT NULL,
    listens_to character varying(200)[] NOT NULL,
    published_at timestamp with time zone NOT NULL,
    journey_id bigint NOT NULL,
    published_by_id bigint
);



ALTER TABLE public.journeys_journeyversion ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.journeys_journeyversion_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.journeys_ownplaybook (
    id bigint NOT NULL,
    code character varying(60) NOT NULL COLLATE pg_catalog."C",
    text text NOT NULL,
    added_at timestamp with time zone NOT NULL,
    added_by_id bigint
);



ALTER TABLE public.journeys_ownplaybook ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.journeys_ownplaybook_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.journeys_ownplaybookevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id bigint NOT NULL,
    code character varying(60) NOT NULL COLLATE pg_catalog."C",
    text text NOT NULL,
    added_at timestamp with time zone NOT NULL,
    added_by_id bigint,
    pgh_context_id uuid,
    pgh_obj_id bigint NOT NULL
);



ALTER TABLE public.journeys_ownplaybookevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.journeys_ownplaybookevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.journeys_passage (
    number integer NOT NULL,
    step character varying(40) NOT NULL COLLATE pg_catalog."C",
    "out" character varying(40) NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    note character varying(200) NOT NULL,
    enrollment_id bigint NOT NULL,
    version_id bigint NOT NULL
);



CREATE TABLE public.journeys_rehearsal (
    id bigint NOT NULL,
    graph jsonb NOT NULL,
    since_day integer NOT NULL,
    until_day integer NOT NULL,
    state character varying(10) NOT NULL,
    done integer NOT NULL,
    total integer,
    result jsonb,
    error text NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    journey_id bigint NOT NULL,
    requested_by_id bigint
);



ALTER TABLE public.journeys_rehearsal ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.journeys_rehearsal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_cap (
    id bigint NOT NULL,
    medium character varying(20) NOT NULL,
    tag character varying(60) NOT NULL,
    most smallint NOT NULL,
    days smallint NOT NULL,
    is_rolling boolean NOT NULL,
    CONSTRAINT messaging_cap_days_check CHECK ((days >= 0)),
    CONSTRAINT messaging_cap_most_check CHECK ((most >= 0)),
    CONSTRAINT messaging_cap_positive CHECK (((days >= 1) AND (days <= 366) AND (most >= 1)))
);



ALTER TABLE public.messaging_cap ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_cap_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_capevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id bigint NOT NULL,
    medium character varying(20) NOT NULL,
    tag character varying(60) NOT NULL,
    most smallint NOT NULL,
    days smallint NOT NULL,
    is_rolling boolean NOT NULL,
    pgh_context_id uuid,
    pgh_obj_id bigint NOT NULL,
    CONSTRAINT messaging_capevent_days_check CHECK ((days >= 0)),
    CONSTRAINT messaging_capevent_most_check CHECK ((most >= 0))
);



ALTER TABLE public.messaging_capevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_capevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_channel (
    id bigint NOT NULL,
    kind character varying(30) NOT NULL,
    name character varying(60) NOT NULL,
    medium character varying(20) NOT NULL,
    options jsonb NOT NULL,
    sealed text NOT NULL,
    key character varying(64) NOT NULL COLLATE pg_catalog."C",
    cost_minor numeric(14,4) NOT NULL,
    per_minute integer,
    domain_per_minute integer,
    warm_up_first integer,
    warm_up_from date,
    is_active boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    trouble character varying(500) NOT NULL,
    trouble_since timestamp with time zone,
    closed_until timestamp with time zone,
    closings smallint NOT NULL,
    created_by_id bigint,
    deaf_since timestamp with time zone,
    deaf_trouble character varying(500) NOT NULL,
    CONSTRAINT messaging_channel_domain_per_minute_check CHECK ((domain_per_minute >= 0)),
    CONSTRAINT messaging_channel_limits_positive CHECK ((((per_minute IS NULL) OR (per_minute >= 1)) AND ((domain_per_minute IS NULL) OR (domain_per_minute >= 1)) AND ((warm_up_first IS NULL) OR (warm_up_first >= 1)))),
    CONSTRAINT messaging_channel_per_minute_check CHECK ((per_minute >= 0)),
    CONSTRAINT messaging_channel_usable CHECK (((NOT ((name)::text = ''::text)) AND (cost_minor >= (0)::numeric))),
    CONSTRAINT messaging_channel_warm_up_first_check CHECK ((warm_up_first >= 0)),
    CONSTRAINT messaging_channel_warm_up_whole CHECK ((((warm_up_first IS NULL) AND (warm_up_from IS NULL)) OR ((warm_up_first IS NOT NULL) AND (warm_up_from IS NOT NULL))))
);



ALTER TABLE public.messaging_channel ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_channel_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_channelevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id bigint NOT NULL,
    kind character varying(30) NOT NULL,
    name character varying(60) NOT NULL,
    medium character varying(20) NOT NULL,
    options jsonb NOT NULL,
    key character varying(64) NOT NULL COLLATE pg_catalog."C",
    cost_minor numeric(14,4) NOT NULL,
    per_minute integer,
    domain_per_minute integer,
    warm_up_first integer,
    warm_up_from date,
    is_active boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    created_by_id bigint,
    pgh_context_id uuid,
    pgh_obj_id bigint NOT NULL,
    CONSTRAINT messaging_channelevent_domain_per_minute_check CHECK ((domain_per_minute >= 0)),
    CONSTRAINT messaging_channelevent_per_minute_check CHECK ((per_minute >= 0)),
    CONSTRAINT messaging_channelevent_warm_up_first_check CHECK ((warm_up_first >= 0))
);



ALTER TABLE public.messaging_channelevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_channelevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_click (
    id bigint NOT NULL,
    number smallint NOT NULL,
    url character varying(2000) NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    times integer NOT NULL,
    delivery_id bigint NOT NULL,
    version_id bigint
);



ALTER TABLE public.messaging_click ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_click_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_delivery (
    id bigint NOT NULL,
    token uuid DEFAULT gen_random_uuid() NOT NULL,
    state character varying(10) DEFAULT 'pending'::character varying NOT NULL,
    reason character varying(40) DEFAULT ''::character varying NOT NULL,
    trouble character varying(500) DEFAULT ''::character varying NOT NULL,
    due_at timestamp with time zone NOT NULL,
    generation integer DEFAULT 0 NOT NULL,
    worker bigint,
    lease_until timestamp with time zone,
    claimed_at timestamp with time zone,
    attempts smallint DEFAULT 0 NOT NULL,
    was_uncertain boolean DEFAULT false NOT NULL,
    address character varying(320) DEFAULT ''::character varying NOT NULL,
    provider_id character varying(200) DEFAULT ''::character varying NOT NULL COLLATE pg_catalog."C",
    segments smallint DEFAULT 0 NOT NULL,
    cost_minor numeric(14,4) DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    counted_at timestamp with time zone,
    accepted_at timestamp with time zone,
    settled_at timestamp with time zone,
    channel_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    send_id bigint NOT NULL,
    instead_of_id bigint,
    CONSTRAINT messaging_delivery_accepted_at CHECK (((NOT ((state)::text = ANY (ARRAY[('accepted'::character varying)::text, ('delivered'::character varying)::text, ('complained'::character varying)::text]))) OR (accepted_at IS NOT NULL))),
    CONSTRAINT messaging_delivery_claimed_by CHECK (((NOT ((state)::text = ANY (ARRAY[('claimed'::character varying)::text, ('sending'::character varying)::text]))) OR ((claimed_at IS NOT NULL) AND (lease_until IS NOT NULL) AND (worker IS NOT NULL)))),
    CONSTRAINT messaging_delivery_reason CHECK (((NOT ((state)::text = ANY (ARRAY[('suppressed'::character varying)::text, ('failed'::character varying)::text, ('uncertain'::character varying)::text, ('bounced'::character varying)::text]))) OR (NOT ((reason)::text = ''::text)))),
    CONSTRAINT messaging_delivery_settled_at CHECK ((((settled_at IS NULL) AND ((state)::text = ANY (ARRAY[('pending'::character varying)::text, ('claimed'::character varying)::text, ('sending'::character varying)::text]))) OR ((NOT ((state)::text = ANY (ARRAY[('pending'::character varying)::text, ('claimed'::character varying)::text, ('sending'::character varying)::text]))) AND (settled_at IS NOT NULL)))),
    CONSTRAINT messaging_delivery_state CHECK (((state)::text = ANY (ARRAY[('pending'::character varying)::text, ('claimed'::character varying)::text, ('sending'::character varying)::text, ('accepted'::character varying)::text, ('delivered'::character varying)::text, ('bounced'::character varying)::text, ('complained'::character varying)::text, ('failed'::character varying)::text, ('uncertain'::character varying)::text, ('suppressed'::character varying)::text])))
);



ALTER TABLE public.messaging_delivery ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_delivery_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_letterhead (
    id smallint NOT NULL,
    website character varying(300) NOT NULL,
    logo_url character varying(500) NOT NULL,
    accent character varying(7) NOT NULL,
    postal_address character varying(300) NOT NULL,
    product_link character varying(300) NOT NULL,
    counts_clicks boolean NOT NULL,
    counts_openings boolean NOT NULL,
    CONSTRAINT messaging_letterhead_one_row CHECK ((id = 1))
);



CREATE TABLE public.messaging_letterheadevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id smallint NOT NULL,
    website character varying(300) NOT NULL,
    logo_url character varying(500) NOT NULL,
    accent character varying(7) NOT NULL,
    postal_address character varying(300) NOT NULL,
    product_link character varying(300) NOT NULL,
    counts_clicks boolean NOT NULL,
    counts_openings boolean NOT NULL,
    pgh_context_id uuid,
    pgh_obj_id smallint NOT NULL
);



ALTER TABLE public.messaging_letterheadevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_letterheadevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_opening (
    delivery_id bigint NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    times integer NOT NULL
);



CREATE TABLE public.messaging_pace (
    id bigint NOT NULL,
    domain character varying(255) NOT NULL COLLATE pg_catalog."C",
    is_day boolean NOT NULL,
    begins_at timestamp with time zone NOT NULL,
    used integer NOT NULL,
    channel_id bigint NOT NULL,
    planned integer DEFAULT 0 NOT NULL
);



ALTER TABLE public.messaging_pace ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_pace_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_quiethours (
    id bigint NOT NULL,
    medium character varying(20) NOT NULL,
    begins time without time zone NOT NULL,
    ends time without time zone NOT NULL,
    CONSTRAINT messaging_quiet_some_time CHECK ((NOT (begins = ends)))
);



ALTER TABLE public.messaging_quiethours ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_quiethours_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_quiethoursevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id bigint NOT NULL,
    medium character varying(20) NOT NULL,
    begins time without time zone NOT NULL,
    ends time without time zone NOT NULL,
    pgh_context_id uuid,
    pgh_obj_id bigint NOT NULL
);



ALTER TABLE public.messaging_quiethoursevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_quiethoursevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_send (
    id bigint NOT NULL,
    kind character varying(30) NOT NULL COLLATE pg_catalog."C",
    source_id bigint NOT NULL,
    step character varying(60) NOT NULL COLLATE pg_catalog."C",
    label character varying(200) NOT NULL,
    purpose character varying(20) NOT NULL,
    tag character varying(60) NOT NULL COLLATE pg_catalog."C",
    priority smallint NOT NULL,
    is_transactional boolean NOT NULL,
    counts boolean NOT NULL,
    state character varying(10) NOT NULL,
    trouble character varying(500) NOT NULL,
    expires_at timestamp with time zone,
    holdout_bp integer NOT NULL,
    is_complete boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    created_by_id bigint,
    over bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    offer_id bigint,
    CONSTRAINT messaging_send_holdout_bp_check CHECK ((holdout_bp >= 0)),
    CONSTRAINT messaging_send_purpose CHECK (((purpose)::text = ANY (ARRAY[('marketing'::character varying)::text, ('service'::character varying)::text, ('profiling'::character varying)::text, ('analytics'::character varying)::text]))),
    CONSTRAINT messaging_send_ranges CHECK (((holdout_bp <= 10000) AND (priority >= 0) AND (priority <= 100))),
    CONSTRAINT messaging_send_state CHECK (((state)::text = ANY (ARRAY[('running'::character varying)::text, ('paused'::character varying)::text, ('cancelled'::character varying)::text])))
);



ALTER TABLE public.messaging_send ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_send_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_sendevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id bigint NOT NULL,
    kind character varying(30) NOT NULL COLLATE pg_catalog."C",
    source_id bigint NOT NULL,
    step character varying(60) NOT NULL COLLATE pg_catalog."C",
    label character varying(200) NOT NULL,
    purpose character varying(20) NOT NULL,
    tag character varying(60) NOT NULL COLLATE pg_catalog."C",
    priority smallint NOT NULL,
    is_transactional boolean NOT NULL,
    counts boolean NOT NULL,
    state character varying(10) NOT NULL,
    trouble character varying(500) NOT NULL,
    expires_at timestamp with time zone,
    holdout_bp integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    created_by_id bigint,
    pgh_context_id uuid,
    pgh_obj_id bigint NOT NULL,
    over bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    offer_id bigint,
    CONSTRAINT messaging_sendevent_holdout_bp_check CHECK ((holdout_bp >= 0))
);



ALTER TABLE public.messaging_sendevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_sendevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_shortlink (
    id bigint NOT NULL,
    url character varying(800) NOT NULL,
    version_id bigint NOT NULL
);



ALTER TABLE public.messaging_shortlink ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_shortlink_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_singlemessage (
    id bigint NOT NULL,
    "values" jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    customer_id bigint NOT NULL,
    version_id bigint NOT NULL
);



ALTER TABLE public.messaging_singlemessage ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_singlemessage_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_slotmessage (
    delivery_id bigint NOT NULL,
    title character varying(300) NOT NULL,
    text text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    shown_at timestamp with time zone,
    closed_at timestamp with time zone
);



CREATE TABLE public.messaging_stafftask (
    id bigint NOT NULL,
    title character varying(300) NOT NULL,
    text text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    outcome character varying(20) NOT NULL,
    note character varying(1000) NOT NULL,
    closed_at timestamp with time zone,
    closed_by_id bigint,
    delivery_id bigint NOT NULL,
    assignee_id bigint,
    due_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    CONSTRAINT messaging_task_closed_with_outcome CHECK ((((closed_at IS NULL) AND ((outcome)::text = ''::text)) OR ((closed_at IS NOT NULL) AND (NOT ((outcome)::text = ''::text)))))
);



ALTER TABLE public.messaging_stafftask ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_stafftask_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_suppressedaddress (
    id bigint NOT NULL,
    medium character varying(20) NOT NULL,
    digest character varying(64) NOT NULL COLLATE pg_catalog."C",
    reason character varying(20) NOT NULL,
    at timestamp with time zone NOT NULL,
    delivery_id bigint
);



ALTER TABLE public.messaging_suppressedaddress ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_suppressedaddress_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_suppressedaddressevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id bigint NOT NULL,
    medium character varying(20) NOT NULL,
    digest character varying(64) NOT NULL COLLATE pg_catalog."C",
    reason character varying(20) NOT NULL,
    at timestamp with time zone NOT NULL,
    pgh_context_id uuid,
    pgh_obj_id bigint NOT NULL
);



ALTER TABLE public.messaging_suppressedaddressevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_suppressedaddressevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_template (
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    description character varying(500) NOT NULL,
    format character varying(10) NOT NULL,
    language character varying(10) NOT NULL,
    draft jsonb NOT NULL,
    draft_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    archived_at timestamp with time zone,
    created_by_id bigint,
    CONSTRAINT messaging_template_known CHECK ((((format)::text = ANY (ARRAY[('email'::character varying)::text, ('text'::character varying)::text, ('task'::character varying)::text])) AND ((language)::text = ANY (ARRAY[('en'::character varying)::text, ('zh-hans'::character varying)::text])))),
    CONSTRAINT messaging_template_named CHECK ((NOT ((name)::text = ''::text)))
);



ALTER TABLE public.messaging_template ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_template_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_templateevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    description character varying(500) NOT NULL,
    format character varying(10) NOT NULL,
    language character varying(10) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    archived_at timestamp with time zone,
    created_by_id bigint,
    pgh_context_id uuid,
    pgh_obj_id bigint NOT NULL
);



ALTER TABLE public.messaging_templateevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_templateevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.messaging_templateversion (
    id bigint NOT NULL,
    number integer NOT NULL,
    content jsonb NOT NULL,
    links jsonb NOT NULL,
    saved_at timestamp with time zone NOT NULL,
    saved_by_id bigint,
    template_id bigint NOT NULL
);



ALTER TABLE public.messaging_templateversion ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.messaging_templateversion_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.mfa_authenticator (
    id bigint NOT NULL,
    type character varying(20) NOT NULL,
    data jsonb NOT NULL,
    user_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone
);



ALTER TABLE public.mfa_authenticator ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.mfa_authenticator_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.offers_coupon (
    id bigint NOT NULL,
    code character varying(60) NOT NULL COLLATE pg_catalog."C",
    source character varying(100) DEFAULT ''::character varying NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    voided_at timestamp with time zone,
    most_uses integer DEFAULT 1,
    uses integer DEFAULT 0 NOT NULL,
    holder_id bigint,
    offer_id bigint NOT NULL,
    CONSTRAINT offers_coupon_most_uses_check CHECK ((most_uses >= 0)),
    CONSTRAINT offers_coupon_uses_check CHECK ((uses >= 0)),
    CONSTRAINT offers_coupon_within_uses CHECK (((most_uses IS NULL) OR (uses <= most_uses)))
);



ALTER TABLE public.offers_coupon ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.offers_coupon_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.offers_offer (
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    words character varying(300) NOT NULL,
    words_zh character varying(300) NOT NULL,
    kind character varying(20) NOT NULL,
    benefit jsonb NOT NULL,
    goods jsonb NOT NULL,
    stores character varying(64)[] NOT NULL,
    least_minor bigint NOT NULL,
    most_minor bigint,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone,
    code_days integer,
    per_customer integer,
    stock integer,
    budget_minor bigint,
    codes character varying(10) NOT NULL,
    prefix character varying(12) NOT NULL,
    holder_only boolean NOT NULL,
    stacking character varying(20) NOT NULL,
    state character varying(10) NOT NULL,
    uses integer NOT NULL,
    cost_minor bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    created_by_id bigint,
    CONSTRAINT offers_end_after_start CHECK (((ends_at IS NULL) OR (ends_at > starts_at))),
    CONSTRAINT offers_not_negative CHECK (((cost_minor >= 0) AND (least_minor >= 0) AND (uses >= 0))),
    CONSTRAINT offers_offer_code_days_check CHECK ((code_days >= 0)),
    CONSTRAINT offers_offer_per_customer_check CHECK ((per_customer >= 0)),
    CONSTRAINT offers_offer_stock_check CHECK ((stock >= 0)),
    CONSTRAINT offers_offer_uses_check CHECK ((uses >= 0)),
    CONSTRAINT offers_state_known CHECK (((state)::text = ANY (ARRAY[('draft'::character varying)::text, ('live'::character varying)::text, ('paused'::character varying)::text, ('ended'::character varying)::text]))),
    CONSTRAINT offers_within_budget CHECK (((budget_minor IS NULL) OR (cost_minor <= budget_minor))),
    CONSTRAINT offers_within_stock CHECK (((stock IS NULL) OR (uses <= stock)))
);



ALTER TABLE public.offers_offer ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.offers_offer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.offers_offerevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    words character varying(300) NOT NULL,
    words_zh character varying(300) NOT NULL,
    kind character varying(20) NOT NULL,
    benefit jsonb NOT NULL,
    goods jsonb NOT NULL,
    stores character varying(64)[] NOT NULL,
    least_minor bigint NOT NULL,
    most_minor bigint,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone,
    code_days integer,
    per_customer integer,
    stock integer,
    budget_minor bigint,
    codes character varying(10) NOT NULL,
    prefix character varying(12) NOT NULL,
    holder_only boolean NOT NULL,
    stacking character varying(20) NOT NULL,
    state character varying(10) NOT NULL,
    uses integer NOT NULL,
    cost_minor bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    created_by_id bigint,
    pgh_context_id uuid,
    pgh_obj_id bigint NOT NULL,
    CONSTRAINT offers_offerevent_code_days_check CHECK ((code_days >= 0)),
    CONSTRAINT offers_offerevent_per_customer_check CHECK ((per_customer >= 0)),
    CONSTRAINT offers_offerevent_stock_check CHECK ((stock >= 0)),
    CONSTRAINT offers_offerevent_uses_check CHECK ((uses >= 0))
);



ALTER TABLE public.offers_offerevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.offers_offerevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.offers_redemption (
    id bigint NOT NULL,
    reservation uuid NOT NULL,
    state character varying(10) NOT NULL,
    off_minor bigint NOT NULL,
    cost_minor bigint NOT NULL,
    order_code character varying(200) NOT NULL COLLATE pg_catalog."C",
    source character varying(100) NOT NULL,
    reserved_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    redeemed_at timestamp with time zone,
    released_at timestamp with time zone,
    coupon_id bigint NOT NULL,
    customer_id bigint,
    offer_id bigint NOT NULL,
    order_id bigint,
    store_id bigint,
    CONSTRAINT offers_redemption_not_negative CHECK (((cost_minor >= 0) AND (off_minor >= 0))),
    CONSTRAINT offers_redemption_state_known CHECK (((state)::text = ANY (ARRAY[('reserved'::character varying)::text, ('redeemed'::character varying)::text, ('released'::character varying)::text, ('beyond'::character varying)::text])))
);



ALTER TABLE public.offers_redemption ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.offers_redemption_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.outbox_delivery (
    id bigint NOT NULL,
    event_id bigint NOT NULL,
    receiver character varying(200) NOT NULL,
    delivered_at timestamp with time zone NOT NULL
);



ALTER TABLE public.outbox_delivery ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.outbox_delivery_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.outbox_outboxevent (
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    payload jsonb NOT NULL,
    published_at timestamp with time zone NOT NULL
);



ALTER TABLE public.outbox_outboxevent ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.outbox_outboxevent_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.pghistory_context (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    metadata jsonb NOT NULL
);



CREATE TABLE public.planner_action (
    id bigint NOT NULL,
    customer_id bigint NOT NULL,
    playbook character varying(60) NOT NULL,
    reason jsonb NOT NULL,
    value_minor bigint NOT NULL,
    as_of_day integer NOT NULL,
    state character varying(20) NOT NULL,
    assignee_id bigint,
    note text NOT NULL,
    closed_at timestamp with time zone,
    closed_by_id bigint
);



ALTER TABLE public.planner_action ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.planner_action_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.planner_actionevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id bigint NOT NULL,
    pgh_context_id uuid,
    id bigint NOT NULL,
    customer_id bigint NOT NULL,
    playbook character varying(60) NOT NULL,
    reason jsonb NOT NULL,
    value_minor bigint NOT NULL,
    as_of_day integer NOT NULL,
    state character varying(20) NOT NULL,
    assignee_id bigint,
    note text NOT NULL,
    closed_at timestamp with time zone,
    closed_by_id bigint
);



ALTER TABLE public.planner_actionevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.planner_actionevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.planner_capacity (
    id smallint NOT NULL,
    calls_per_day integer NOT NULL,
    messages_per_day integer NOT NULL,
    CONSTRAINT planner_capacity_calls_per_day_check CHECK ((calls_per_day >= 0)),
    CONSTRAINT planner_capacity_messages_per_day_check CHECK ((messages_per_day >= 0)),
    CONSTRAINT planner_capacity_one_row CHECK ((id = 1))
);



CREATE TABLE public.planner_capacityevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id smallint NOT NULL,
    pgh_context_id uuid,
    id smallint NOT NULL,
    calls_per_day integer NOT NULL,
    messages_per_day integer NOT NULL,
    CONSTRAINT planner_capacityevent_calls_per_day_check CHECK ((calls_per_day >= 0)),
    CONSTRAINT planner_capacityevent_messages_per_day_check CHECK ((messages_per_day >= 0))
);



ALTER TABLE public.planner_capacityevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.planner_capacityevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.procrastinate_events (
    id bigint NOT NULL,
    job_id bigint NOT NULL,
    type public.procrastinate_job_event_type,
    at timestamp with time zone DEFAULT now()
);



CREATE SEQUENCE public.procrastinate_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



ALTER SEQUENCE public.procrastinate_events_id_seq OWNED BY public.procrastinate_events.id;



CREATE SEQUENCE public.procrastinate_jobs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



ALTER SEQUENCE public.procrastinate_jobs_id_seq OWNED BY public.procrastinate_jobs.id;



CREATE TABLE public.procrastinate_periodic_defers (
    id bigint NOT NULL,
    task_name character varying(128) NOT NULL,
    defer_timestamp bigint,
    job_id bigint,
    periodic_id character varying(128) DEFAULT ''::character varying NOT NULL
);



CREATE SEQUENCE public.procrastinate_periodic_defers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



ALTER SEQUENCE public.procrastinate_periodic_defers_id_seq OWNED BY public.procrastinate_periodic_defers.id;



CREATE TABLE public.procrastinate_workers (
    id bigint NOT NULL,
    last_heartbeat timestamp with time zone DEFAULT now() NOT NULL
);



ALTER TABLE public.procrastinate_workers ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.procrastinate_workers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.reports_reviewmailing (
    id smallint NOT NULL,
    recipients character varying(254)[] NOT NULL,
    language character varying(10) NOT NULL,
    sent_month date,
    trouble character varying(500) NOT NULL,
    CONSTRAINT reports_reviewmailing_one_row CHECK ((id = 1))
);



CREATE TABLE public.reports_reviewmailingevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id smallint NOT NULL,
    recipients character varying(254)[] NOT NULL,
    language character varying(10) NOT NULL,
    pgh_context_id uuid,
    pgh_obj_id smallint NOT NULL
);



ALTER TABLE public.reports_reviewmailingevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.reports_reviewmailingevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.segments_crossing (
    id bigint NOT NULL,
    segment_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    is_entry boolean NOT NULL,
    at timestamp with time zone NOT NULL,
    refresh_id bigint NOT NULL
);



ALTER TABLE public.segments_crossing ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.segments_crossing_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.segments_kepttag (
    id bigint NOT NULL,
    since_at timestamp with time zone NOT NULL,
    by_id bigint,
    segment_id bigint NOT NULL,
    tag_id bigint NOT NULL
);



ALTER TABLE public.segments_kepttag ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.segments_kepttag_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.segments_kepttagevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    id bigint NOT NULL,
    since_at timestamp with time zone NOT NULL,
    by_id bigint,
    pgh_context_id uuid,
    pgh_obj_id bigint NOT NULL,
    segment_id bigint NOT NULL,
    tag_id bigint NOT NULL
);



ALTER TABLE public.segments_kepttagevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.segments_kepttagevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.segments_membership (
    segment_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    since_at timestamp with time zone NOT NULL
);



CREATE TABLE public.segments_refresh (
    id bigint NOT NULL,
    segment_id bigint NOT NULL,
    reason character varying(10) NOT NULL,
    version integer NOT NULL,
    as_of_day integer NOT NULL,
    at timestamp with time zone NOT NULL,
    size integer NOT NULL,
    entered integer NOT NULL,
    "left" integer NOT NULL
);



ALTER TABLE public.segments_refresh ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.segments_refresh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.segments_segment (
    id bigint NOT NULL,
    code character varying(60) COLLATE pg_catalog."C",
    name character varying(100) NOT NULL,
    description character varying(500) NOT NULL,
    kind character varying(10) NOT NULL,
    rule jsonb NOT NULL,
    version integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    created_by_id bigint,
    archived_at timestamp with time zone,
    state character varying(10) NOT NULL,
    size integer NOT NULL,
    full_at timestamp with time zone,
    refreshed_at timestamp with time zone,
    as_of_day integer,
    error text NOT NULL,
    CONSTRAINT segments_kind_known CHECK (((kind)::text = ANY (ARRAY[('rule'::character varying)::text, ('list'::character varying)::text]))),
    CONSTRAINT segments_list_without_rule CHECK ((((kind)::text = 'rule'::text) OR (rule = '{}'::jsonb))),
    CONSTRAINT segments_named CHECK ((NOT ((name)::text = ''::text)))
);



ALTER TABLE public.segments_segment ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.segments_segment_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.segments_segmentevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id bigint NOT NULL,
    pgh_context_id uuid,
    id bigint NOT NULL,
    code character varying(60) COLLATE pg_catalog."C",
    name character varying(100) NOT NULL,
    description character varying(500) NOT NULL,
    kind character varying(10) NOT NULL,
    rule jsonb NOT NULL,
    version integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    created_by_id bigint,
    archived_at timestamp with time zone
);



ALTER TABLE public.segments_segmentevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.segments_segmentevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.segments_version (
    id bigint NOT NULL,
    segment_id bigint NOT NULL,
    number integer NOT NULL,
    rule jsonb NOT NULL,
    saved_at timestamp with time zone NOT NULL,
    saved_by_id bigint
);



ALTER TABLE public.segments_version ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.segments_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_account (
    id bigint NOT NULL,
    code character varying(200) NOT NULL COLLATE pg_catalog."C",
    name character varying(200) NOT NULL,
    industry character varying(200) NOT NULL,
    country character varying(100) NOT NULL,
    manager_id bigint,
    recorded_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    CONSTRAINT shop_account_code CHECK ((NOT ((code)::text = ''::text)))
);



ALTER TABLE public.shop_account ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_accountevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id bigint NOT NULL,
    pgh_context_id uuid,
    id bigint NOT NULL,
    code character varying(200) NOT NULL COLLATE pg_catalog."C",
    name character varying(200) NOT NULL,
    industry character varying(200) NOT NULL,
    country character varying(100) NOT NULL,
    manager_id bigint,
    recorded_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL
);



ALTER TABLE public.shop_accountevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_accountevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_attributedefinition (
    id bigint NOT NULL,
    name character varying(60) NOT NULL COLLATE pg_catalog."C",
    label character varying(100) NOT NULL,
    label_zh character varying(100) DEFAULT ''::character varying NOT NULL,
    is_customers boolean DEFAULT false NOT NULL,
    type character varying(20) NOT NULL,
    choices character varying(100)[] NOT NULL,
    minimum numeric(20,6),
    maximum numeric(20,6),
    CONSTRAINT shop_attribute_bounds CHECK (((minimum IS NULL) OR (maximum IS NULL) OR (minimum <= maximum))),
    CONSTRAINT shop_attribute_name CHECK (((name)::text ~ '^[a-z][a-z0-9_]*$'::text)),
    CONSTRAINT shop_attribute_type_known CHECK (((type)::text = ANY (ARRAY[('text'::character varying)::text, ('number'::character varying)::text, ('money'::character varying)::text, ('flag'::character varying)::text, ('date'::character varying)::text, ('yearly'::character varying)::text, ('choice'::character varying)::text, ('choices'::character varying)::text])))
);



ALTER TABLE public.shop_attributedefinition ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_attributedefinition_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_attributedefinitionevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id bigint NOT NULL,
    pgh_context_id uuid,
    id bigint NOT NULL,
    name character varying(60) NOT NULL COLLATE pg_catalog."C",
    label character varying(100) NOT NULL,
    label_zh character varying(100) DEFAULT ''::character varying NOT NULL,
    is_customers boolean DEFAULT false NOT NULL,
    type character varying(20) NOT NULL,
    choices character varying(100)[] NOT NULL,
    minimum numeric(20,6),
    maximum numeric(20,6)
);



ALTER TABLE public.shop_attributedefinitionevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_attributedefinitionevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_attributevalue (
    id bigint NOT NULL,
    definition_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    text character varying(1000),
    number numeric(20,6),
    flag boolean,
    date date,
    choices character varying(100)[],
    source character varying(200) NOT NULL,
    told_at timestamp with time zone NOT NULL,
    CONSTRAINT shop_attribute_value_typed CHECK ((num_nonnulls(text, number, flag, date, choices) = 1))
);



ALTER TABLE public.shop_attributevalue ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_attributevalue_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_business (
    id smallint NOT NULL,
    name character varying(200) NOT NULL,
    time_zone character varying(64) NOT NULL,
    currency character varying(3) NOT NULL,
    margin_bp integer NOT NULL,
    event_months smallint DEFAULT 24 NOT NULL,
    holdout_bp integer DEFAULT 500 NOT NULL,
    holdout_since timestamp with time zone,
    CONSTRAINT shop_business_event_months CHECK ((event_months >= 1)),
    CONSTRAINT shop_business_event_months_check CHECK ((event_months >= 0)),
    CONSTRAINT shop_business_holdout CHECK ((holdout_bp <= 5000)),
    CONSTRAINT shop_business_holdout_bp_check CHECK ((holdout_bp >= 0)),
    CONSTRAINT shop_business_margin_bp_check CHECK ((margin_bp >= 0)),
    CONSTRAINT shop_business_margin_share CHECK ((margin_bp <= 10000)),
    CONSTRAINT shop_business_one_row CHECK ((id = 1))
);



CREATE TABLE public.shop_businessevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id smallint NOT NULL,
    pgh_context_id uuid,
    id smallint NOT NULL,
    name character varying(200) NOT NULL,
    time_zone character varying(64) NOT NULL,
    currency character varying(3) NOT NULL,
    margin_bp integer NOT NULL,
    event_months smallint DEFAULT 24 NOT NULL,
    holdout_bp integer DEFAULT 500 NOT NULL,
    holdout_since timestamp with time zone,
    CONSTRAINT shop_businessevent_event_months_check CHECK ((event_months >= 0)),
    CONSTRAINT shop_businessevent_holdout_bp_check CHECK ((holdout_bp >= 0)),
    CONSTRAINT shop_businessevent_margin_bp_check CHECK ((margin_bp >= 0))
);



ALTER TABLE public.shop_businessevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_businessevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_changedmonth (
    month date NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    events_version bigint DEFAULT 0 NOT NULL
);



CREATE TABLE public.shop_changedrow (
    id bigint NOT NULL,
    change_set_id bigint NOT NULL,
    "table" character varying(63) NOT NULL,
    row_id bigint NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL
);



ALTER TABLE public.shop_changedrow ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_changedrow_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_changeset (
    id bigint NOT NULL,
    made_at timestamp with time zone NOT NULL,
    added jsonb NOT NULL,
    is_overtaken boolean DEFAULT false NOT NULL,
    undone_at timestamp with time zone
);



ALTER TABLE public.shop_changeset ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_changeset_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_consent (
    id bigint NOT NULL,
    customer_id bigint NOT NULL,
    channel character varying(20) NOT NULL,
    purpose character varying(20) NOT NULL,
    state character varying(20) NOT NULL,
    at timestamp with time zone NOT NULL,
    address character varying(320) NOT NULL,
    wording character varying(200) NOT NULL,
    source character varying(200) NOT NULL,
    ip inet,
    key character varying(200) NOT NULL COLLATE pg_catalog."C",
    by_id bigint,
    reason character varying(300) DEFAULT ''::character varying NOT NULL,
    recorded_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    CONSTRAINT shop_consent_channel CHECK (((channel)::text = ANY (ARRAY[('email'::character varying)::text, ('sms'::character varying)::text, ('phone'::character varying)::text, ('whatsapp'::character varying)::text, ('wecom'::character varying)::text, ('dingtalk'::character varying)::text, ('post'::character varying)::text, ('push'::character varying)::text, ('web'::character varying)::text]))),
    CONSTRAINT shop_consent_evidence CHECK (((NOT ((source)::text = ''::text)) AND (NOT ((key)::text = ''::text)))),
    CONSTRAINT shop_consent_purpose CHECK (((purpose)::text = ANY (ARRAY[('marketing'::character varying)::text, ('service'::character varying)::text, ('profiling'::character varying)::text, ('analytics'::character varying)::text]))),
    CONSTRAINT shop_consent_state CHECK (((state)::text = ANY (ARRAY[('granted'::character varying)::text, ('pending'::character varying)::text, ('withdrawn'::character varying)::text])))
);



ALTER TABLE public.shop_consent ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_consent_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_consentevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id bigint NOT NULL,
    pgh_context_id uuid,
    id bigint NOT NULL,
    customer_id bigint NOT NULL,
    channel character varying(20) NOT NULL,
    purpose character varying(20) NOT NULL,
    state character varying(20) NOT NULL,
    at timestamp with time zone NOT NULL,
    by_id bigint,
    reason character varying(300) DEFAULT ''::character varying NOT NULL
);



ALTER TABLE public.shop_consentevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_consentevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_consentoffer (
    id bigint NOT NULL,
    channel character varying(20) NOT NULL,
    purpose character varying(20) NOT NULL,
    is_offered boolean NOT NULL,
    is_confirmed boolean NOT NULL,
    CONSTRAINT shop_consent_offer_confirmed CHECK (((NOT is_confirmed) OR ((channel)::text = 'email'::text))),
    CONSTRAINT shop_consent_offer_known CHECK ((((channel)::text = ANY (ARRAY[('email'::character varying)::text, ('sms'::character varying)::text, ('phone'::character varying)::text, ('whatsapp'::character varying)::text, ('wecom'::character varying)::text, ('dingtalk'::character varying)::text, ('post'::character varying)::text, ('push'::character varying)::text, ('web'::character varying)::text])) AND ((purpose)::text = ANY (ARRAY[('marketing'::character varying)::text, ('service'::character varying)::text, ('profiling'::character varying)::text, ('analytics'::character varying)::text]))))
);



ALTER TABLE public.shop_consentoffer ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_consentoffer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_consentofferevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id bigint NOT NULL,
    pgh_context_id uuid,
    id bigint NOT NULL,
    channel character varying(20) NOT NULL,
    purpose character varying(20) NOT NULL,
    is_offered boolean NOT NULL,
    is_confirmed boolean NOT NULL
);



ALTER TABLE public.shop_consentofferevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_consentofferevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_consentwording (
    id bigint NOT NULL,
    channel character varying(20) NOT NULL,
    purpose character varying(20) NOT NULL,
    version integer NOT NULL,
    english text NOT NULL,
    chinese text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    made_by_id bigint,
    CONSTRAINT shop_consent_wording_said CHECK ((((channel)::text = ANY (ARRAY[('email'::character varying)::text, ('sms'::character varying)::text, ('phone'::character varying)::text, ('whatsapp'::character varying)::text, ('wecom'::character varying)::text, ('dingtalk'::character varying)::text, ('post'::character varying)::text, ('push'::character varying)::text, ('web'::character varying)::text])) AND ((purpose)::text = ANY (ARRAY[('marketing'::character varying)::text, ('service'::character varying)::text, ('profiling'::character varying)::text, ('analytics'::character varying)::text])) AND (NOT (english = ''::text)) AND (NOT (chinese = ''::text)))),
    CONSTRAINT shop_consentwording_version_check CHECK ((version >= 0))
);



ALTER TABLE public.shop_consentwording ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_consentwording_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_consentwordingevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id bigint NOT NULL,
    pgh_context_id uuid,
    id bigint NOT NULL,
    channel character varying(20) NOT NULL,
    purpose character varying(20) NOT NULL,
    version integer NOT NULL,
    english text NOT NULL,
    chinese text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    made_by_id bigint,
    CONSTRAINT shop_consentwordingevent_version_check CHECK ((version >= 0))
);



ALTER TABLE public.shop_consentwordingevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_consentwordingevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_contact (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    role character varying(100) NOT NULL,
    since_at timestamp with time zone NOT NULL,
    brings_orders boolean DEFAULT false NOT NULL
);



ALTER TABLE public.shop_contact ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_contact_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_customer (
    id bigint NOT NULL,
    code character varying(200) NOT NULL COLLATE pg_catalog."C",
    name character varying(200) NOT NULL,
    country character varying(100) NOT NULL,
    described_at timestamp with time zone,
    recorded_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    name_at timestamp with time zone,
    country_at timestamp with time zone,
    language character varying(10) DEFAULT ''::character varying NOT NULL,
    erased_at timestamp with time zone,
    merged_into_id bigint,
    sort_name character varying(200) GENERATED ALWAYS AS (lower((COALESCE(NULLIF((name)::text, ''::text), (code)::text) COLLATE "default"))) STORED,
    language_at timestamp with time zone,
    CONSTRAINT shop_customer_not_itself CHECK (((merged_into_id IS NULL) OR (NOT ((merged_into_id = id) AND (merged_into_id IS NOT NULL)))))
);



ALTER TABLE public.shop_customer ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_customer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_customerevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    code character varying(200) NOT NULL COLLATE pg_catalog."C",
    language character varying(10) DEFAULT ''::character varying NOT NULL,
    pgh_context_id uuid,
    pgh_obj_id bigint NOT NULL
);



ALTER TABLE public.shop_customerevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_customerevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_erasedkey (
    digest character varying(64) NOT NULL COLLATE pg_catalog."C",
    erased_at timestamp with time zone NOT NULL
);



CREATE TABLE public.shop_event (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    day integer NOT NULL,
    source_id bigint NOT NULL,
    visitor_id bigint,
    customer_id bigint,
    is_named boolean NOT NULL,
    name character varying(200) NOT NULL,
    product_id bigint,
    order_code character varying(200) NOT NULL COLLATE pg_catalog."C",
    url character varying(2000) NOT NULL,
    properties jsonb NOT NULL,
    CONSTRAINT shop_event_somebody CHECK (((visitor_id IS NOT NULL) OR (customer_id IS NOT NULL)))
)
PARTITION BY RANGE (at);



ALTER TABLE public.shop_event ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_eventsource (
    id bigint NOT NULL,
    code character varying(64) NOT NULL COLLATE pg_catalog."C",
    name character varying(200) NOT NULL,
    store_id bigint NOT NULL
);



ALTER TABLE public.shop_eventsource ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_eventsource_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_eventsourceevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id bigint NOT NULL,
    pgh_context_id uuid,
    id bigint NOT NULL,
    code character varying(64) NOT NULL COLLATE pg_catalog."C",
    name character varying(200) NOT NULL,
    store_id bigint NOT NULL
);



ALTER TABLE public.shop_eventsourceevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_eventsourceevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_identifier (
    id bigint NOT NULL,
    customer_id bigint NOT NULL,
    kind character varying(20) NOT NULL,
    store_id bigint,
    value character varying(320) NOT NULL COLLATE pg_catalog."C",
    source character varying(200) DEFAULT ''::character varying NOT NULL,
    told_at timestamp with time zone,
    CONSTRAINT shop_identifier_not_empty CHECK ((NOT ((value)::text = ''::text)))
);



ALTER TABLE public.shop_identifier ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_identifier_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_interaction (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    outcome character varying(20) NOT NULL,
    reason character varying(20) NOT NULL,
    about character varying(60) NOT NULL COLLATE pg_catalog."C",
    by_id bigint,
    customer_id bigint NOT NULL,
    CONSTRAINT shop_interaction_outcome CHECK (((outcome)::text = ANY (ARRAY[('reached'::character varying)::text, ('not_reached'::character varying)::text, ('declined'::character varying)::text]))),
    CONSTRAINT shop_interaction_reason CHECK (((reason)::text = ANY (ARRAY[(''::character varying)::text, ('price'::character varying)::text, ('product'::character varying)::text, ('service'::character varying)::text, ('delivery'::character varying)::text, ('elsewhere'::character varying)::text, ('no_need'::character varying)::text, ('forgot'::character varying)::text, ('other'::character varying)::text])))
);



ALTER TABLE public.shop_interaction ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_interaction_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_merge (
    id bigint NOT NULL,
    kept_id bigint NOT NULL,
    absorbed_id bigint NOT NULL,
    evidence character varying(20) NOT NULL,
    detail character varying(400) NOT NULL,
    moved jsonb NOT NULL,
    copied jsonb NOT NULL,
    merged_at timestamp with time zone NOT NULL,
    merged_by_id bigint,
    undone_at timestamp with time zone,
    undone_by_id bigint,
    CONSTRAINT shop_merge_of_two CHECK ((NOT (kept_id = absorbed_id)))
);



ALTER TABLE public.shop_merge ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_merge_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_mergesuggestion (
    id bigint NOT NULL,
    first_id bigint NOT NULL,
    second_id bigint NOT NULL,
    kind character varying(20) NOT NULL,
    value character varying(320) NOT NULL,
    suggested_at timestamp with time zone NOT NULL,
    dismissed_at timestamp with time zone,
    CONSTRAINT shop_merge_suggestion_order CHECK ((first_id < second_id))
);



ALTER TABLE public.shop_mergesuggestion ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_mergesuggestion_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_message (
    source_id bigint NOT NULL,
    key uuid NOT NULL
);



CREATE TABLE public.shop_order (
    id bigint NOT NULL,
    store_id bigint NOT NULL,
    code character varying(200) NOT NULL COLLATE pg_catalog."C",
    customer_id bigint NOT NULL,
    account_id bigint,
    sender character varying(40) DEFAULT ''::character varying NOT NULL COLLATE pg_catalog."C",
    status character varying(20) NOT NULL,
    placed_at timestamp with time zone NOT NULL,
    day integer NOT NULL,
    amount_minor bigint NOT NULL,
    discount_minor bigint DEFAULT 0 NOT NULL,
    refunded_minor bigint DEFAULT 0 NOT NULL,
    net_minor bigint GENERATED ALWAYS AS ((amount_minor - refunded_minor)) STORED,
    is_valid boolean GENERATED ALWAYS AS ((((status)::text = 'paid'::text) AND (amount_minor > refunded_minor))) STORED,
    coupons jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT shop_order_amount CHECK ((amount_minor >= 0)),
    CONSTRAINT shop_order_refunded CHECK ((refunded_minor >= 0)),
    CONSTRAINT shop_order_status_known CHECK (((status)::text = ANY (ARRAY[('paid'::character varying)::text, ('pending'::character varying)::text, ('cancelled'::character varying)::text])))
);



ALTER TABLE public.shop_order ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_order_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_orderline (
    id bigint NOT NULL,
    order_id bigint NOT NULL,
    key character varying(100) NOT NULL COLLATE pg_catalog."C",
    product_id bigint NOT NULL,
    quantity numeric(14,3) NOT NULL,
    amount_minor bigint NOT NULL,
    discount_minor bigint DEFAULT 0 NOT NULL,
    CONSTRAINT shop_line_amount CHECK ((amount_minor >= 0)),
    CONSTRAINT shop_line_quantity CHECK ((quantity > (0)::numeric))
);



ALTER TABLE public.shop_orderline ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_orderline_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_overlap (
    id bigint NOT NULL,
    earlier_id bigint NOT NULL,
    later_id bigint NOT NULL
);



ALTER TABLE public.shop_overlap ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_overlap_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_privacyact (
    id bigint NOT NULL,
    kind character varying(20) NOT NULL,
    customer_id bigint NOT NULL,
    reason character varying(20) NOT NULL,
    at timestamp with time zone NOT NULL,
    by_id bigint,
    rows jsonb NOT NULL
);



ALTER TABLE public.shop_privacyact ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_privacyact_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_privacyactevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id bigint NOT NULL,
    pgh_context_id uuid,
    id bigint NOT NULL,
    kind character varying(20) NOT NULL,
    customer_id bigint NOT NULL,
    reason character varying(20) NOT NULL,
    at timestamp with time zone NOT NULL,
    by_id bigint,
    rows jsonb NOT NULL
);



ALTER TABLE public.shop_privacyactevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_privacyactevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_privacylogplace (
    id smallint NOT NULL,
    log_id character varying(32) NOT NULL,
    "position" bigint NOT NULL,
    CONSTRAINT shop_privacy_place_one_row CHECK ((id = 1))
);



CREATE TABLE public.shop_privacyrequest (
    id bigint NOT NULL,
    kind character varying(20) NOT NULL,
    customer_id bigint,
    state character varying(20) NOT NULL,
    source character varying(60) NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    confirmed_at timestamp with time zone,
    decided_at timestamp with time zone,
    decided_by_id bigint,
    answer character varying(500) NOT NULL,
    CONSTRAINT shop_request_kind CHECK (((kind)::text = ANY (ARRAY[('access'::character varying)::text, ('erasure'::character varying)::text]))),
    CONSTRAINT shop_request_state CHECK (((state)::text = ANY (ARRAY[('unconfirmed'::character varying)::text, ('open'::character varying)::text, ('done'::character varying)::text, ('refused'::character varying)::text])))
);



ALTER TABLE public.shop_privacyrequest ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_privacyrequest_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_privacyrequestevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id bigint NOT NULL,
    pgh_context_id uuid,
    id bigint NOT NULL,
    kind character varying(20) NOT NULL,
    customer_id bigint,
    state character varying(20) NOT NULL,
    source character varying(60) NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    confirmed_at timestamp with time zone,
    decided_at timestamp with time zone,
    decided_by_id bigint,
    answer character varying(500) NOT NULL
);



ALTER TABLE public.shop_privacyrequestevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_privacyrequestevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_product (
    id bigint NOT NULL,
    store_id bigint NOT NULL,
    code character varying(200) NOT NULL COLLATE pg_catalog."C",
    name character varying(300) NOT NULL,
    category character varying(200) NOT NULL,
    brand character varying(200) NOT NULL,
    pack_size character varying(100) NOT NULL,
    described_at timestamp with time zone
);



ALTER TABLE public.shop_product ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_product_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_recordmeasured (
    id smallint NOT NULL,
    at timestamp with time zone NOT NULL,
    coverage jsonb NOT NULL,
    freshness jsonb NOT NULL,
    CONSTRAINT shop_measured_one_row CHECK ((id = 1))
);



CREATE TABLE public.shop_refund (
    id bigint NOT NULL,
    store_id bigint NOT NULL,
    key character varying(300) NOT NULL COLLATE pg_catalog."C",
    code character varying(200) NOT NULL COLLATE pg_catalog."C",
    customer_id bigint NOT NULL,
    order_id bigint,
    product_id bigint,
    quantity numeric(14,3) NOT NULL,
    amount_minor bigint NOT NULL,
    refunded_at timestamp with time zone NOT NULL,
    day integer NOT NULL,
    CONSTRAINT shop_refund_amount CHECK ((amount_minor > 0))
);



ALTER TABLE public.shop_refund ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_refund_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_store (
    id bigint NOT NULL,
    code character varying(64) NOT NULL COLLATE pg_catalog."C",
    name character varying(200) NOT NULL
);



ALTER TABLE public.shop_store ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_store_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_tag (
    id bigint NOT NULL,
    name character varying(60) NOT NULL,
    description character varying(300) NOT NULL,
    colour character varying(20) DEFAULT 'grey'::character varying NOT NULL,
    removed_at timestamp with time zone,
    CONSTRAINT shop_tag_name CHECK ((NOT ((name)::text = ''::text)))
);



ALTER TABLE public.shop_tag ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_tag_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_tagevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id bigint NOT NULL,
    pgh_context_id uuid,
    id bigint NOT NULL,
    name character varying(60) NOT NULL,
    description character varying(300) NOT NULL,
    colour character varying(20) DEFAULT 'grey'::character varying NOT NULL,
    removed_at timestamp with time zone
);



ALTER TABLE public.shop_tagevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_tagevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_tagging (
    id bigint NOT NULL,
    tag_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    source character varying(200) NOT NULL,
    tagged_at timestamp with time zone NOT NULL
);



ALTER TABLE public.shop_tagging ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_tagging_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_taggingbatch (
    id bigint NOT NULL,
    tag_id bigint,
    name character varying(60) NOT NULL,
    is_put boolean NOT NULL,
    at timestamp with time zone NOT NULL,
    source character varying(200) NOT NULL,
    by_id bigint,
    undoes_id bigint
);



ALTER TABLE public.shop_taggingbatch ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_taggingbatch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_taggingchange (
    id bigint NOT NULL,
    batch_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    former_source character varying(200) DEFAULT ''::character varying NOT NULL,
    former_at timestamp with time zone
);



ALTER TABLE public.shop_taggingchange ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_taggingchange_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_touchedcustomer (
    id bigint NOT NULL,
    customer_id bigint NOT NULL,
    touched_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL
);



ALTER TABLE public.shop_touchedcustomer ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_touchedcustomer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_visitor (
    id bigint NOT NULL,
    store_id bigint NOT NULL,
    anonymous_id character varying(200) NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT shop_visitor_not_empty CHECK ((NOT ((anonymous_id)::text = ''::text)))
);



ALTER TABLE public.shop_visitor ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_visitor_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.shop_visitorlink (
    id bigint NOT NULL,
    visitor_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    since_at timestamp with time zone NOT NULL
);



ALTER TABLE public.shop_visitorlink ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.shop_visitorlink_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.staff_apikey (
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    prefix character varying(12) NOT NULL,
    key_hash character varying(64) NOT NULL,
    scopes character varying(40)[] NOT NULL,
    created_by_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone
);



ALTER TABLE public.staff_apikey ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.staff_apikey_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.staff_apikeyevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id bigint NOT NULL,
    pgh_context_id uuid,
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    prefix character varying(12) NOT NULL,
    scopes character varying(40)[] NOT NULL,
    created_by_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone
);



ALTER TABLE public.staff_apikeyevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.staff_apikeyevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE UNLOGGED TABLE public.staff_tries (
    cache_key character varying(255) NOT NULL,
    value text NOT NULL,
    expires timestamp with time zone NOT NULL
);



CREATE TABLE public.staff_user (
    id bigint NOT NULL,
    password character varying(128) NOT NULL,
    last_login timestamp with time zone,
    is_superuser boolean NOT NULL,
    email character varying(254) NOT NULL,
    name character varying(150) NOT NULL,
    role character varying(20) NOT NULL,
    language character varying(10) NOT NULL,
    is_active boolean NOT NULL,
    joined_at timestamp with time zone NOT NULL,
    CONSTRAINT staff_user_role_known CHECK (((role)::text = ANY (ARRAY[('owner'::character varying)::text, ('manager'::character varying)::text, ('marketer'::character varying)::text, ('agent'::character varying)::text, ('analyst'::character varying)::text])))
);



CREATE TABLE public.staff_user_groups (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    group_id integer NOT NULL
);



ALTER TABLE public.staff_user_groups ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.staff_user_groups_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



ALTER TABLE public.staff_user ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.staff_user_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.staff_user_user_permissions (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    permission_id integer NOT NULL
);



ALTER TABLE public.staff_user_user_permissions ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.staff_user_user_permissions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.staff_userevent (
    pgh_id integer NOT NULL,
    pgh_created_at timestamp with time zone NOT NULL,
    pgh_label text NOT NULL,
    pgh_obj_id bigint NOT NULL,
    pgh_context_id uuid,
    id bigint NOT NULL,
    is_superuser boolean NOT NULL,
    email character varying(254) NOT NULL,
    name character varying(150) NOT NULL,
    role character varying(20) NOT NULL,
    language character varying(10) NOT NULL,
    is_active boolean NOT NULL,
    joined_at timestamp with time zone NOT NULL
);



ALTER TABLE public.staff_userevent ALTER COLUMN pgh_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.staff_userevent_pgh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE UNLOGGED TABLE public.storefront_window (
    key character varying(64) NOT NULL COLLATE pg_catalog."C",
    started_at timestamp with time zone NOT NULL,
    calls integer NOT NULL
);



ALTER TABLE ONLY public.procrastinate_events ALTER COLUMN id SET DEFAULT nextval('public.procrastinate_events_id_seq'::regclass);



ALTER TABLE ONLY public.procrastinate_jobs ALTER COLUMN id SET DEFAULT nextval('public.procrastinate_jobs_id_seq'::regclass);



ALTER TABLE ONLY public.procrastinate_periodic_defers ALTER COLUMN id SET DEFAULT nextval('public.procrastinate_periodic_defers_id_seq'::regclass);



ALTER TABLE ONLY public.account_emailaddress
    ADD CONSTRAINT account_emailaddress_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.account_emailaddress
    ADD CONSTRAINT account_emailaddress_user_id_email_987c8728_uniq UNIQUE (user_id, email);



ALTER TABLE ONLY public.account_emailconfirmation
    ADD CONSTRAINT account_emailconfirmation_key_key UNIQUE (key);



ALTER TABLE ONLY public.account_emailconfirmation
    ADD CONSTRAINT account_emailconfirmation_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.api_ratewindow
    ADD CONSTRAINT api_ratewindow_pkey PRIMARY KEY (api_key_id);



ALTER TABLE ONLY public.api_reply
    ADD CONSTRAINT api_reply_once UNIQUE (api_key_id, idempotency_key);



ALTER TABLE ONLY public.api_reply
    ADD CONSTRAINT api_reply_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.auth_group
    ADD CONSTRAINT auth_group_name_key UNIQUE (name);



ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_group_id_permission_id_0cd325b0_uniq UNIQUE (group_id, permission_id);



ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.auth_group
    ADD CONSTRAINT auth_group_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_content_type_id_codename_01ab375a_uniq UNIQUE (content_type_id, codename);



ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.console_savedview
    ADD CONSTRAINT console_savedview_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.console_savedview
    ADD CONSTRAINT console_view_once UNIQUE (owner_id, name);



ALTER TABLE ONLY public.django_content_type
    ADD CONSTRAINT django_content_type_app_label_model_76bd3d3b_uniq UNIQUE (app_label, model);



ALTER TABLE ONLY public.django_content_type
    ADD CONSTRAINT django_content_type_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.django_migrations
    ADD CONSTRAINT django_migrations_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.django_session
    ADD CONSTRAINT django_session_pkey PRIMARY KEY (session_key);



ALTER TABLE ONLY public.experiments_arm
    ADD CONSTRAINT experiments_arm_name UNIQUE (experiment_id, name);



ALTER TABLE ONLY public.experiments_arm
    ADD CONSTRAINT experiments_arm_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.experiments_arm
    ADD CONSTRAINT experiments_arm_position UNIQUE (experiment_id, "position");



ALTER TABLE ONLY public.experiments_armevent
    ADD CONSTRAINT experiments_armevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.experiments_assignment
    ADD CONSTRAINT experiments_assignment_pkey PRIMARY KEY (experiment_id, customer_id);



ALTER TABLE ONLY public.experiments_experiment
    ADD CONSTRAINT experiments_experiment_fingerprint_key UNIQUE (fingerprint);



ALTER TABLE ONLY public.experiments_experiment
    ADD CONSTRAINT experiments_experiment_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.experiments_experiment
    ADD CONSTRAINT experiments_experiment_salt_key UNIQUE (salt);



ALTER TABLE ONLY public.experiments_experimentevent
    ADD CONSTRAINT experiments_experimentevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.insights_backtest
    ADD CONSTRAINT insights_backtest_pkey PRIMARY KEY (model);



ALTER TABLE ONLY public.insights_backtestrun
    ADD CONSTRAINT insights_backtestrun_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.insights_profilechange
    ADD CONSTRAINT insights_change_once UNIQUE (run_id, customer_id, label);



ALTER TABLE ONLY public.insights_dueproduct
    ADD CONSTRAINT insights_due_once UNIQUE (customer_id, product_id);



ALTER TABLE ONLY public.insights_dueproduct
    ADD CONSTRAINT insights_dueproduct_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.insights_factspartition
    ADD CONSTRAINT insights_factspartition_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.insights_learning
    ADD CONSTRAINT insights_learning_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.insights_factspartition
    ADD CONSTRAINT insights_partition_once UNIQUE (dataset, month);



ALTER TABLE ONLY public.insights_policy
    ADD CONSTRAINT insights_policy_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.insights_policyevent
    ADD CONSTRAINT insights_policyevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.insights_profile
    ADD CONSTRAINT insights_profile_pkey PRIMARY KEY (customer_id);



ALTER TABLE ONLY public.insights_profilechange
    ADD CONSTRAINT insights_profilechange_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.insights_recommendation
    ADD CONSTRAINT insights_recommendation_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.insights_recommendation
    ADD CONSTRAINT insights_recommended_once UNIQUE (customer_id, rank);



ALTER TABLE ONLY public.insights_relatedproduct
    ADD CONSTRAINT insights_related_once UNIQUE (product_id, kind, rank);



ALTER TABLE ONLY public.insights_relatedproduct
    ADD CONSTRAINT insights_relatedproduct_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.insights_run
    ADD CONSTRAINT insights_run_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.insights_taste
    ADD CONSTRAINT insights_taste_pkey PRIMARY KEY (customer_id);



ALTER TABLE ONLY public.intake_backfill
    ADD CONSTRAINT intake_backfill_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.intake_call
    ADD CONSTRAINT intake_call_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.intake_columnmap
    ADD CONSTRAINT intake_columnmap_name_key UNIQUE (name);



ALTER TABLE ONLY public.intake_columnmap
    ADD CONSTRAINT intake_columnmap_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.intake_columnmapevent
    ADD CONSTRAINT intake_columnmapevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.intake_connection
    ADD CONSTRAINT intake_connection_key_key UNIQUE (key);



ALTER TABLE ONLY public.intake_connection
    ADD CONSTRAINT intake_connection_once UNIQUE (connector, address);



ALTER TABLE ONLY public.intake_connection
    ADD CONSTRAINT intake_connection_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.intake_connectionevent
    ADD CONSTRAINT intake_connectionevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.intake_credential
    ADD CONSTRAINT intake_credential_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.intake_delivery
    ADD CONSTRAINT intake_delivery_once UNIQUE (connection_id, key);



ALTER TABLE ONLY public.intake_delivery
    ADD CONSTRAINT intake_delivery_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.intake_import
    ADD CONSTRAINT intake_import_change_set_id_key UNIQUE (change_set_id);



ALTER TABLE ONLY public.intake_import
    ADD CONSTRAINT intake_import_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.intake_privacyrequest
    ADD CONSTRAINT intake_privacy_once UNIQUE (connection_id, kind, external, reference);



ALTER TABLE ONLY public.intake_privacyrequest
    ADD CONSTRAINT intake_privacyrequest_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.intake_reject
    ADD CONSTRAINT intake_reject_once UNIQUE (imported_id, line_number);



ALTER TABLE ONLY public.intake_reject
    ADD CONSTRAINT intake_reject_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.intake_shopobject
    ADD CONSTRAINT intake_shop_object_once UNIQUE (connection_id, kind, code);



ALTER TABLE ONLY public.intake_shopobject
    ADD CONSTRAINT intake_shopobject_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.intake_writekey
    ADD CONSTRAINT intake_writekey_key_key UNIQUE (key);



ALTER TABLE ONLY public.intake_writekey
    ADD CONSTRAINT intake_writekey_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.intake_writekeyevent
    ADD CONSTRAINT intake_writekeyevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.journeys_adoptedplaybook
    ADD CONSTRAINT journeys_adoptedplaybook_code_key UNIQUE (code);



ALTER TABLE ONLY public.journeys_adoptedplaybook
    ADD CONSTRAINT journeys_adoptedplaybook_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.journeys_adoptedplaybookevent
    ADD CONSTRAINT journeys_adoptedplaybookevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.journeys_approval
    ADD CONSTRAINT journeys_approval_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.journeys_approvalevent
    ADD CONSTRAINT journeys_approvalevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.journeys_approvalrule
    ADD CONSTRAINT journeys_approvalrule_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.journeys_approvalruleevent
    ADD CONSTRAINT journeys_approvalruleevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.journeys_campaign
    ADD CONSTRAINT journeys_campaign_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.journeys_campaign
    ADD CONSTRAINT journeys_campaign_send_id_key UNIQUE (send_id);



ALTER TABLE ONLY public.journeys_campaignchannel
    ADD CONSTRAINT journeys_campaignchannel_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.journeys_campaignchannelevent
    ADD CONSTRAINT journeys_campaignchannelevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.journeys_campaignevent
    ADD CONSTRAINT journeys_campaignevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.journeys_campaignchannel
    ADD CONSTRAINT journeys_channel_once UNIQUE (campaign_id, channel_id);



ALTER TABLE ONLY public.journeys_campaignchannel
    ADD CONSTRAINT journeys_channel_position UNIQUE (campaign_id, "position");



ALTER TABLE ONLY public.journeys_enrollment
    ADD CONSTRAINT journeys_enrollment_once UNIQUE (journey_id, customer_id, key);



ALTER TABLE ONLY public.journeys_enrollment
    ADD CONSTRAINT journeys_enrollment_ordinal UNIQUE (journey_id, customer_id, ordinal);



ALTER TABLE ONLY public.journeys_enrollment
    ADD CONSTRAINT journeys_enrollment_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.journeys_gate
    ADD CONSTRAINT journeys_gate_pkey PRIMARY KEY (journey_id);



ALTER TABLE ONLY public.journeys_journey
    ADD CONSTRAINT journeys_journey_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.journeys_journeyevent
    ADD CONSTRAINT journeys_journeyevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.journeys_journeyversion
    ADD CONSTRAINT journeys_journeyversion_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.journeys_ownplaybook
    ADD CONSTRAINT journeys_ownplaybook_code_key UNIQUE (code);



ALTER TABLE ONLY public.journeys_ownplaybook
    ADD CONSTRAINT journeys_ownplaybook_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.journeys_ownplaybookevent
    ADD CONSTRAINT journeys_ownplaybookevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.journeys_passage
    ADD CONSTRAINT journeys_passage_pkey PRIMARY KEY (enrollment_id, number);



ALTER TABLE ONLY public.journeys_rehearsal
    ADD CONSTRAINT journeys_rehearsal_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.journeys_journeyversion
    ADD CONSTRAINT journeys_version_once UNIQUE (journey_id, number);



ALTER TABLE ONLY public.messaging_cap
    ADD CONSTRAINT messaging_cap_once UNIQUE (medium, tag, days, is_rolling);



ALTER TABLE ONLY public.messaging_cap
    ADD CONSTRAINT messaging_cap_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.messaging_capevent
    ADD CONSTRAINT messaging_capevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.messaging_channel
    ADD CONSTRAINT messaging_channel_key_key UNIQUE (key);



ALTER TABLE ONLY public.messaging_channel
    ADD CONSTRAINT messaging_channel_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.messaging_channelevent
    ADD CONSTRAINT messaging_channelevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.messaging_click
    ADD CONSTRAINT messaging_click_once UNIQUE NULLS NOT DISTINCT (delivery_id, version_id, number);



ALTER TABLE ONLY public.messaging_click
    ADD CONSTRAINT messaging_click_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.messaging_delivery
    ADD CONSTRAINT messaging_delivery_once UNIQUE (send_id, customer_id, channel_id);



ALTER TABLE ONLY public.messaging_delivery
    ADD CONSTRAINT messaging_delivery_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.messaging_delivery
    ADD CONSTRAINT messaging_delivery_token UNIQUE (token);



ALTER TABLE ONLY public.messaging_letterhead
    ADD CONSTRAINT messaging_letterhead_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.messaging_letterheadevent
    ADD CONSTRAINT messaging_letterheadevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.messaging_opening
    ADD CONSTRAINT messaging_opening_pkey PRIMARY KEY (delivery_id);



ALTER TABLE ONLY public.messaging_pace
    ADD CONSTRAINT messaging_pace_once UNIQUE (channel_id, is_day, begins_at, domain);



ALTER TABLE ONLY public.messaging_pace
    ADD CONSTRAINT messaging_pace_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.messaging_quiethours
    ADD CONSTRAINT messaging_quiethours_medium_key UNIQUE (medium);



ALTER TABLE ONLY public.messaging_quiethours
    ADD CONSTRAINT messaging_quiethours_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.messaging_quiethoursevent
    ADD CONSTRAINT messaging_quiethoursevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.messaging_send
    ADD CONSTRAINT messaging_send_once UNIQUE (kind, source_id, step);



ALTER TABLE ONLY public.messaging_send
    ADD CONSTRAINT messaging_send_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.messaging_sendevent
    ADD CONSTRAINT messaging_sendevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.messaging_shortlink
    ADD CONSTRAINT messaging_short_link_once UNIQUE (version_id, url);



ALTER TABLE ONLY public.messaging_shortlink
    ADD CONSTRAINT messaging_shortlink_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.messaging_singlemessage
    ADD CONSTRAINT messaging_singlemessage_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.messaging_slotmessage
    ADD CONSTRAINT messaging_slotmessage_pkey PRIMARY KEY (delivery_id);



ALTER TABLE ONLY public.messaging_stafftask
    ADD CONSTRAINT messaging_stafftask_delivery_id_key UNIQUE (delivery_id);



ALTER TABLE ONLY public.messaging_stafftask
    ADD CONSTRAINT messaging_stafftask_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.messaging_suppressedaddress
    ADD CONSTRAINT messaging_suppressed_once UNIQUE (medium, digest);



ALTER TABLE ONLY public.messaging_suppressedaddress
    ADD CONSTRAINT messaging_suppressedaddress_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.messaging_suppressedaddressevent
    ADD CONSTRAINT messaging_suppressedaddressevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.messaging_template
    ADD CONSTRAINT messaging_template_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.messaging_templateversion
    ADD CONSTRAINT messaging_template_version_once UNIQUE (template_id, number);



ALTER TABLE ONLY public.messaging_templateevent
    ADD CONSTRAINT messaging_templateevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.messaging_templateversion
    ADD CONSTRAINT messaging_templateversion_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.mfa_authenticator
    ADD CONSTRAINT mfa_authenticator_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.offers_coupon
    ADD CONSTRAINT offers_coupon_code_key UNIQUE (code);



ALTER TABLE ONLY public.offers_coupon
    ADD CONSTRAINT offers_coupon_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.offers_offer
    ADD CONSTRAINT offers_offer_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.offers_offerevent
    ADD CONSTRAINT offers_offerevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.offers_redemption
    ADD CONSTRAINT offers_redemption_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.outbox_delivery
    ADD CONSTRAINT outbox_delivery_once UNIQUE (event_id, receiver);



ALTER TABLE ONLY public.outbox_delivery
    ADD CONSTRAINT outbox_delivery_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.outbox_outboxevent
    ADD CONSTRAINT outbox_outboxevent_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.pghistory_context
    ADD CONSTRAINT pghistory_context_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.planner_action
    ADD CONSTRAINT planner_action_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.planner_actionevent
    ADD CONSTRAINT planner_actionevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.planner_capacity
    ADD CONSTRAINT planner_capacity_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.planner_capacityevent
    ADD CONSTRAINT planner_capacityevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.procrastinate_events
    ADD CONSTRAINT procrastinate_events_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.procrastinate_jobs
    ADD CONSTRAINT procrastinate_jobs_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_unique UNIQUE (task_name, periodic_id, defer_timestamp);



ALTER TABLE ONLY public.procrastinate_workers
    ADD CONSTRAINT procrastinate_workers_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.reports_reviewmailing
    ADD CONSTRAINT reports_reviewmailing_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.reports_reviewmailingevent
    ADD CONSTRAINT reports_reviewmailingevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.segments_crossing
    ADD CONSTRAINT segments_crossing_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.segments_kepttag
    ADD CONSTRAINT segments_kepttag_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.segments_kepttag
    ADD CONSTRAINT segments_kepttag_tag_id_key UNIQUE (tag_id);



ALTER TABLE ONLY public.segments_kepttagevent
    ADD CONSTRAINT segments_kepttagevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.segments_membership
    ADD CONSTRAINT segments_membership_pkey PRIMARY KEY (segment_id, customer_id);



ALTER TABLE ONLY public.segments_refresh
    ADD CONSTRAINT segments_refresh_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.segments_segment
    ADD CONSTRAINT segments_segment_code_key UNIQUE (code);



ALTER TABLE ONLY public.segments_segment
    ADD CONSTRAINT segments_segment_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.segments_segmentevent
    ADD CONSTRAINT segments_segmentevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.segments_version
    ADD CONSTRAINT segments_version_once UNIQUE (segment_id, number);



ALTER TABLE ONLY public.segments_version
    ADD CONSTRAINT segments_version_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_account
    ADD CONSTRAINT shop_account_code_key UNIQUE (code);



ALTER TABLE ONLY public.shop_account
    ADD CONSTRAINT shop_account_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_accountevent
    ADD CONSTRAINT shop_accountevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.shop_attributevalue
    ADD CONSTRAINT shop_attribute_value_once UNIQUE (definition_id, customer_id);



ALTER TABLE ONLY public.shop_attributedefinition
    ADD CONSTRAINT shop_attributedefinition_name_key UNIQUE (name);



ALTER TABLE ONLY public.shop_attributedefinition
    ADD CONSTRAINT shop_attributedefinition_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_attributedefinitionevent
    ADD CONSTRAINT shop_attributedefinitionevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.shop_attributevalue
    ADD CONSTRAINT shop_attributevalue_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_business
    ADD CONSTRAINT shop_business_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_businessevent
    ADD CONSTRAINT shop_businessevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.shop_changedrow
    ADD CONSTRAINT shop_changed_row_once UNIQUE (change_set_id, "table", row_id);



ALTER TABLE ONLY public.shop_changedmonth
    ADD CONSTRAINT shop_changedmonth_pkey PRIMARY KEY (month);



ALTER TABLE ONLY public.shop_changedrow
    ADD CONSTRAINT shop_changedrow_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_changeset
    ADD CONSTRAINT shop_changeset_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_consent
    ADD CONSTRAINT shop_consent_key_key UNIQUE (key);



ALTER TABLE ONLY public.shop_consentoffer
    ADD CONSTRAINT shop_consent_offer_once UNIQUE (channel, purpose);



ALTER TABLE ONLY public.shop_consent
    ADD CONSTRAINT shop_consent_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_consentwording
    ADD CONSTRAINT shop_consent_wording_once UNIQUE (channel, purpose, version);



ALTER TABLE ONLY public.shop_consentevent
    ADD CONSTRAINT shop_consentevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.shop_consentoffer
    ADD CONSTRAINT shop_consentoffer_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_consentofferevent
    ADD CONSTRAINT shop_consentofferevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.shop_consentwording
    ADD CONSTRAINT shop_consentwording_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_consentwordingevent
    ADD CONSTRAINT shop_consentwordingevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.shop_contact
    ADD CONSTRAINT shop_contact_once UNIQUE (account_id, customer_id);



ALTER TABLE ONLY public.shop_contact
    ADD CONSTRAINT shop_contact_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_customer
    ADD CONSTRAINT shop_customer_code_key UNIQUE (code);



ALTER TABLE ONLY public.shop_customer
    ADD CONSTRAINT shop_customer_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_customerevent
    ADD CONSTRAINT shop_customerevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.shop_erasedkey
    ADD CONSTRAINT shop_erasedkey_pkey PRIMARY KEY (digest);



ALTER TABLE ONLY public.shop_eventsource
    ADD CONSTRAINT shop_eventsource_code_key UNIQUE (code);



ALTER TABLE ONLY public.shop_eventsource
    ADD CONSTRAINT shop_eventsource_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_eventsourceevent
    ADD CONSTRAINT shop_eventsourceevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.shop_identifier
    ADD CONSTRAINT shop_identifier_once UNIQUE NULLS NOT DISTINCT (value, kind, store_id);



ALTER TABLE ONLY public.shop_identifier
    ADD CONSTRAINT shop_identifier_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_interaction
    ADD CONSTRAINT shop_interaction_about_key UNIQUE (about);



ALTER TABLE ONLY public.shop_interaction
    ADD CONSTRAINT shop_interaction_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_orderline
    ADD CONSTRAINT shop_line_once UNIQUE (order_id, key);



ALTER TABLE ONLY public.shop_merge
    ADD CONSTRAINT shop_merge_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_mergesuggestion
    ADD CONSTRAINT shop_merge_suggested_once UNIQUE (first_id, second_id);



ALTER TABLE ONLY public.shop_mergesuggestion
    ADD CONSTRAINT shop_mergesuggestion_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_message
    ADD CONSTRAINT shop_message_pkey PRIMARY KEY (source_id, key);



ALTER TABLE ONLY public.shop_order
    ADD CONSTRAINT shop_order_once UNIQUE (store_id, code);



ALTER TABLE ONLY public.shop_order
    ADD CONSTRAINT shop_order_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_orderline
    ADD CONSTRAINT shop_orderline_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_overlap
    ADD CONSTRAINT shop_overlap_once UNIQUE (earlier_id, later_id);



ALTER TABLE ONLY public.shop_overlap
    ADD CONSTRAINT shop_overlap_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_privacyact
    ADD CONSTRAINT shop_privacyact_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_privacyactevent
    ADD CONSTRAINT shop_privacyactevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.shop_privacylogplace
    ADD CONSTRAINT shop_privacylogplace_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_privacyrequest
    ADD CONSTRAINT shop_privacyrequest_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_privacyrequestevent
    ADD CONSTRAINT shop_privacyrequestevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.shop_product
    ADD CONSTRAINT shop_product_once UNIQUE (store_id, code);



ALTER TABLE ONLY public.shop_product
    ADD CONSTRAINT shop_product_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_recordmeasured
    ADD CONSTRAINT shop_recordmeasured_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_refund
    ADD CONSTRAINT shop_refund_once UNIQUE (store_id, key);



ALTER TABLE ONLY public.shop_refund
    ADD CONSTRAINT shop_refund_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_store
    ADD CONSTRAINT shop_store_code_key UNIQUE (code);



ALTER TABLE ONLY public.shop_store
    ADD CONSTRAINT shop_store_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_tag
    ADD CONSTRAINT shop_tag_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_tagevent
    ADD CONSTRAINT shop_tagevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.shop_taggingchange
    ADD CONSTRAINT shop_tagging_change_once UNIQUE (batch_id, customer_id);



ALTER TABLE ONLY public.shop_tagging
    ADD CONSTRAINT shop_tagging_once UNIQUE (tag_id, customer_id);



ALTER TABLE ONLY public.shop_tagging
    ADD CONSTRAINT shop_tagging_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_taggingbatch
    ADD CONSTRAINT shop_taggingbatch_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_taggingbatch
    ADD CONSTRAINT shop_taggingbatch_undoes_id_key UNIQUE (undoes_id);



ALTER TABLE ONLY public.shop_taggingchange
    ADD CONSTRAINT shop_taggingchange_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_touchedcustomer
    ADD CONSTRAINT shop_touchedcustomer_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_visitorlink
    ADD CONSTRAINT shop_visitor_link_once UNIQUE (visitor_id, customer_id);



ALTER TABLE ONLY public.shop_visitor
    ADD CONSTRAINT shop_visitor_once UNIQUE (store_id, anonymous_id);



ALTER TABLE ONLY public.shop_visitor
    ADD CONSTRAINT shop_visitor_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.shop_visitorlink
    ADD CONSTRAINT shop_visitorlink_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.staff_apikey
    ADD CONSTRAINT staff_apikey_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.staff_apikey
    ADD CONSTRAINT staff_apikey_prefix_key UNIQUE (prefix);



ALTER TABLE ONLY public.staff_apikeyevent
    ADD CONSTRAINT staff_apikeyevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.staff_tries
    ADD CONSTRAINT staff_tries_pkey PRIMARY KEY (cache_key);



ALTER TABLE ONLY public.staff_user
    ADD CONSTRAINT staff_user_email_key UNIQUE (email);



ALTER TABLE ONLY public.staff_user_groups
    ADD CONSTRAINT staff_user_groups_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.staff_user_groups
    ADD CONSTRAINT staff_user_groups_user_id_group_id_7487dd55_uniq UNIQUE (user_id, group_id);



ALTER TABLE ONLY public.staff_user
    ADD CONSTRAINT staff_user_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.staff_user_user_permissions
    ADD CONSTRAINT staff_user_user_permissions_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.staff_user_user_permissions
    ADD CONSTRAINT staff_user_user_permissions_user_id_permission_id_508e3d20_uniq UNIQUE (user_id, permission_id);



ALTER TABLE ONLY public.staff_userevent
    ADD CONSTRAINT staff_userevent_pkey PRIMARY KEY (pgh_id);



ALTER TABLE ONLY public.storefront_window
    ADD CONSTRAINT storefront_window_pkey PRIMARY KEY (key);



CREATE INDEX account_emailaddress_email_03be32b2 ON public.account_emailaddress USING btree (email);



CREATE INDEX account_emailaddress_email_03be32b2_like ON public.account_emailaddress USING btree (email varchar_pattern_ops);



CREATE INDEX account_emailaddress_user_id_2c513194 ON public.account_emailaddress USING btree (user_id);



CREATE INDEX account_emailconfirmation_email_address_id_5b7f8c58 ON public.account_emailconfirmation USING btree (email_address_id);



CREATE INDEX account_emailconfirmation_key_f43612bd_like ON public.account_emailconfirmation USING btree (key varchar_pattern_ops);



CREATE INDEX api_reply_api_key_id_f2923a94 ON public.api_reply USING btree (api_key_id);



CREATE INDEX api_reply_created_at_3c0dd414 ON public.api_reply USING btree (created_at);



CREATE INDEX auth_group_name_a6ea08ec_like ON public.auth_group USING btree (name varchar_pattern_ops);



CREATE INDEX auth_group_permissions_group_id_b120cbf9 ON public.auth_group_permissions USING btree (group_id);



CREATE INDEX auth_group_permissions_permission_id_84c5c92e ON public.auth_group_permissions USING btree (permission_id);



CREATE INDEX auth_permission_content_type_id_2f476e4b ON public.auth_permission USING btree (content_type_id);



CREATE INDEX console_savedview_owner_id_6e495914 ON public.console_savedview USING btree (owner_id);



CREATE INDEX django_session_expire_date_a5c62663 ON public.django_session USING btree (expire_date);



CREATE INDEX django_session_session_key_c0390e0f_like ON public.django_session USING btree (session_key varchar_pattern_ops);



CREATE INDEX experiments_arm_of_source ON public.experiments_arm USING btree (source_kind, source_id) WHERE (NOT ((source_kind)::text = ''::text));



CREATE INDEX experiments_armevent_experiment_id_dd378c40 ON public.experiments_armevent USING btree (experiment_id);



CREATE INDEX experiments_armevent_pgh_context_id_8135c286 ON public.experiments_armevent USING btree (pgh_context_id);



CREATE INDEX experiments_armevent_pgh_obj_id_0bd8edb4 ON public.experiments_armevent USING btree (pgh_obj_id);



CREATE INDEX experiments_assignment_customer_id_c04a933a ON public.experiments_assignment USING btree (customer_id);



CREATE INDEX experiments_experiment_created_by_id_7a6e7047 ON public.experiments_experiment USING btree (created_by_id);



CREATE INDEX experiments_experiment_fingerprint_2562ea23_like ON public.experiments_experiment USING btree (fingerprint varchar_pattern_ops);



CREATE INDEX experiments_experiment_salt_4c953a47_like ON public.experiments_experiment USING btree (salt varchar_pattern_ops);



CREATE INDEX experiments_experiment_segment_id_f0c63883 ON public.experiments_experiment USING btree (segment_id);



CREATE INDEX experiments_experiment_winner_id_dcbab08c ON public.experiments_experiment USING btree (winner_id);



CREATE INDEX experiments_experimentevent_created_by_id_35ea639a ON public.experiments_experimentevent USING btree (created_by_id);



CREATE INDEX experiments_experimentevent_pgh_context_id_bac804c8 ON public.experiments_experimentevent USING btree (pgh_context_id);



CREATE INDEX experiments_experimentevent_pgh_obj_id_1f614d7c ON public.experiments_experimentevent USING btree (pgh_obj_id);



CREATE INDEX experiments_experimentevent_segment_id_8a067abf ON public.experiments_experimentevent USING btree (segment_id);



CREATE INDEX experiments_experimentevent_winner_id_0b1897db ON public.experiments_experimentevent USING btree (winner_id);



CREATE INDEX idx_procrastinate_jobs_worker_not_null ON public.procrastinate_jobs USING btree (worker_id) WHERE ((worker_id IS NOT NULL) AND (status = 'doing'::public.procrastinate_job_status));



CREATE INDEX idx_procrastinate_workers_last_heartbeat ON public.procrastinate_workers USING btree (last_heartbeat);



CREATE INDEX insights_backtest_model_9f7fde95_like ON public.insights_backtest USING btree (model varchar_pattern_ops);



CREATE UNIQUE INDEX insights_backtest_one_at_work ON public.insights_backtestrun USING btree (state) WHERE ((state)::text = ANY (ARRAY[('queued'::character varying)::text, ('running'::character varying)::text]));



CREATE INDEX insights_backtest_run_id_70e2c7b3 ON public.insights_backtest USING btree (run_id);



CREATE INDEX insights_change_customer ON public.insights_profilechange USING btree (customer_id, as_of_day DESC);



CREATE INDEX insights_change_day ON public.insights_profilechange USING btree (label, as_of_day);



CREATE INDEX insights_due_day ON public.insights_dueproduct USING btree (due_day, customer_id);



CREATE INDEX insights_dueproduct_product_id_2fa52f85 ON public.insights_dueproduct USING btree (product_id);



CREATE INDEX insights_policyevent_pgh_context_id_c895a598 ON public.insights_policyevent USING btree (pgh_context_id);



CREATE INDEX insights_policyevent_pgh_obj_id_ec014ce7 ON public.insights_policyevent USING btree (pgh_obj_id);



CREATE INDEX insights_profile_alive ON public.insights_profile USING btree (COALESCE(p_alive, ('-1.0'::numeric)::double precision), customer_id);



CREATE INDEX insights_profile_both ON public.insights_profile USING btree (tier, stage, monetary_minor, customer_id);



CREATE INDEX insights_profile_by_cell ON public.insights_profile USING btree (cell, monetary_minor, customer_id) INCLUDE (tier, stage, orders, last_day, due_day, late_day);



CREATE INDEX insights_profile_by_last ON public.insights_profile USING btree (COALESCE(last_day, '-1'::integer), customer_id) INCLUDE (last_day, tier, stage, due_day, late_day);



CREATE INDEX insights_profile_by_square ON public.insights_profile USING btree (r, f, monetary_minor, customer_id);



CREATE INDEX insights_profile_by_stage ON public.insights_profile USING btree (stage, monetary_minor, customer_id) INCLUDE (tier, cell, orders, last_day, due_day, late_day);



CREATE INDEX insights_profile_by_tier ON public.insights_profile USING btree (tier, monetary_minor, customer_id) INCLUDE (stage, cell, orders, last_day, due_day, late_day);



CREATE INDEX insights_profile_churn ON public.insights_profile USING btree (COALESCE(churn_probability, ('-1.0'::numeric)::double precision), customer_id);



CREATE INDEX insights_profile_clv ON public.insights_profile USING btree (COALESCE(clv_minor, ('-1'::integer)::bigint), customer_id);



CREATE INDEX insights_profile_first ON public.insights_profile USING btree (first_day);



CREATE INDEX insights_profile_money ON public.insights_profile USING btree (monetary_minor, customer_id);



CREATE INDEX insights_profile_next ON public.insights_profile USING btree (COALESCE(next_day, '-1'::integer), customer_id);



CREATE INDEX insights_profile_orders ON public.insights_profile USING btree (orders, customer_id);



CREATE INDEX insights_profile_tier_orders ON public.insights_profile USING btree (tier, orders, customer_id);



CREATE INDEX insights_profilechange_customer_id_6c60c433 ON public.insights_profilechange USING btree (customer_id);



CREATE INDEX insights_profilechange_run_id_2e41ffea ON public.insights_profilechange USING btree (run_id);



CREATE INDEX insights_recommendation_product_id_a6a474d8 ON public.insights_recommendation USING btree (product_id);



CREATE INDEX insights_relatedproduct_other_id_f165e575 ON public.insights_relatedproduct USING btree (other_id);



CREATE INDEX insights_run_learning_id_6d1bfa29 ON public.insights_run USING btree (learning_id);



CREATE INDEX insights_taste_category ON public.insights_taste USING btree (category, customer_id) WHERE (NOT ((category)::text = ''::text));



CREATE INDEX insights_taste_need ON public.insights_taste USING btree (need, customer_id) WHERE (NOT ((need)::text = ''::text));



CREATE INDEX intake_backfill_connection_id_d9291d70 ON public.intake_backfill USING btree (connection_id);



CREATE INDEX intake_backfill_created_by_id_94fa1249 ON public.intake_backfill USING btree (created_by_id);



CREATE UNIQUE INDEX intake_backfill_one_at_a_time ON public.intake_backfill USING btree (connection_id) WHERE ((state)::text = ANY (ARRAY[('queued'::character varying)::text, ('running'::character varying)::text]));



CREATE INDEX intake_call_of_source ON public.intake_call USING btree (source_id, id DESC);



CREATE INDEX intake_call_received ON public.intake_call USING btree (received_at);



CREATE INDEX intake_call_waiting ON public.intake_call USING btree (id) WHERE (worked_at IS NULL);



CREATE INDEX intake_columnmap_name_20c5784c_like ON public.intake_columnmap USING btree (name varchar_pattern_ops);



CREATE INDEX intake_columnmapevent_pgh_context_id_b4125d2a ON public.intake_columnmapevent USING btree (pgh_context_id);



CREATE INDEX intake_columnmapevent_pgh_obj_id_4be222ca ON public.intake_columnmapevent USING btree (pgh_obj_id);



CREATE INDEX intake_connection_connected_by_id_b1ec363d ON public.intake_connection USING btree (connected_by_id);



CREATE INDEX intake_connection_key_fb16b0ed_like ON public.intake_connection USING btree (key varchar_pattern_ops);



CREATE INDEX intake_connection_store_id_56245acc ON public.intake_connection USING btree (store_id);



CREATE INDEX intake_connectionevent_connected_by_id_54c86258 ON public.intake_connectionevent USING btree (connected_by_id);



CREATE INDEX intake_connectionevent_pgh_context_id_98c0b0be ON public.intake_connectionevent USING btree (pgh_context_id);



CREATE INDEX intake_connectionevent_pgh_obj_id_8194947b ON public.intake_connectionevent USING btree (pgh_obj_id);



CREATE INDEX intake_connectionevent_store_id_535a5f4f ON public.intake_connectionevent USING btree (store_id);



CREATE INDEX intake_credential_connection_id_d3029910 ON public.intake_credential USING btree (connection_id);



CREATE UNIQUE INDEX intake_credential_one_access ON public.intake_credential USING btree (connection_id) WHERE ((use)::text = 'access'::text);



CREATE INDEX intake_delivery_bodies ON public.intake_delivery USING btree (received_at) WHERE (body IS NOT NULL);



CREATE INDEX intake_delivery_latest ON public.intake_delivery USING btree (connection_id, id DESC);



CREATE INDEX intake_delivery_parked ON public.intake_delivery USING btree (connection_id, id DESC) WHERE ((state)::text = 'parked'::text);



CREATE INDEX intake_delivery_waiting ON public.intake_delivery USING btree (id) WHERE ((state)::text = 'waiting'::text);



CREATE INDEX intake_import_created_by_id_3a2f49c9 ON public.intake_import USING btree (created_by_id);



CREATE INDEX intake_import_store_id_05bccf59 ON public.intake_import USING btree (store_id);



CREATE INDEX intake_privacy_open ON public.intake_privacyrequest USING btree (due_at) WHERE (done_at IS NULL);



CREATE INDEX intake_privacyrequest_connection_id_645fe553 ON public.intake_privacyrequest USING btree (connection_id);



CREATE INDEX intake_privacyrequest_done_by_id_dc385f37 ON public.intake_privacyrequest USING btree (done_by_id);



CREATE INDEX intake_reject_imported_id_2eb226f7 ON public.intake_reject USING btree (imported_id);



CREATE INDEX intake_shop_object_refunds ON public.intake_shopobject USING btree (connection_id, order_code) WHERE ((kind)::text = 'refund'::text);



CREATE INDEX intake_writekey_created_by_id_1c0fafd5 ON public.intake_writekey USING btree (created_by_id);



CREATE INDEX intake_writekey_key_487cdcd1_like ON public.intake_writekey USING btree (key varchar_pattern_ops);



CREATE INDEX intake_writekey_source_id_3df88c34 ON public.intake_writekey USING btree (source_id);



CREATE INDEX intake_writekeyevent_created_by_id_b0f7c7c1 ON public.intake_writekeyevent USING btree (created_by_id);



CREATE INDEX intake_writekeyevent_pgh_context_id_5d8e1d7c ON public.intake_writekeyevent USING btree (pgh_context_id);



CREATE INDEX intake_writekeyevent_pgh_obj_id_d1e96887 ON public.intake_writekeyevent USING btree (pgh_obj_id);



CREATE INDEX intake_writekeyevent_source_id_1e5eb04e ON public.intake_writekeyevent USING btree (source_id);



CREATE INDEX journeys_adoptedplaybook_code_ece5dd60_like ON public.journeys_adoptedplaybook USING btree (code varchar_pattern_ops);



CREATE INDEX journeys_adoptedplaybook_journey_id_e2cfdcd3 ON public.journeys_adoptedplaybook USING btree (journey_id);



CREATE INDEX journeys_adoptedplaybook_turned_on_by_id_b69b44a5 ON public.journeys_adoptedplaybook USING btree (turned_on_by_id);



CREATE INDEX journeys_adoptedplaybookevent_journey_id_7e756080 ON public.journeys_adoptedplaybookevent USING btree (journey_id);



CREATE INDEX journeys_adoptedplaybookevent_pgh_context_id_7275bde5 ON public.journeys_adoptedplaybookevent USING btree (pgh_context_id);



CREATE INDEX journeys_adoptedplaybookevent_pgh_obj_id_9e913d95 ON public.journeys_adoptedplaybookevent USING btree (pgh_obj_id);



CREATE INDEX journeys_adoptedplaybookevent_turned_on_by_id_07501905 ON public.journeys_adoptedplaybookevent USING btree (turned_on_by_id);



CREATE INDEX journeys_approval_asked_by_id_6ee9a376 ON public.journeys_approval USING btree (asked_by_id);



CREATE INDEX journeys_approval_campaign_id_6b949942 ON public.journeys_approval USING btree (campaign_id);



CREATE UNIQUE INDEX journeys_approval_campaign_once ON public.journeys_approval USING btree (campaign_id) WHERE ((state)::text = 'waiting'::text);



CREATE INDEX journeys_approval_decided_by_id_29dec606 ON public.journeys_approval USING btree (decided_by_id);



CREATE INDEX journeys_approval_journey_id_4aed6362 ON public.journeys_approval USING btree (journey_id);



CREATE UNIQUE INDEX journeys_approval_journey_once ON public.journeys_approval USING btree (journey_id) WHERE ((state)::text = 'waiting'::text);



CREATE INDEX journeys_approvalevent_asked_by_id_2762e316 ON public.journeys_approvalevent USING btree (asked_by_id);



CREATE INDEX journeys_approvalevent_campaign_id_f918ac40 ON public.journeys_approvalevent USING btree (campaign_id);



CREATE INDEX journeys_approvalevent_decided_by_id_6c9ba859 ON public.journeys_approvalevent USING btree (decided_by_id);



CREATE INDEX journeys_approvalevent_journey_id_331e4c58 ON public.journeys_approvalevent USING btree (journey_id);



CREATE INDEX journeys_approvalevent_pgh_context_id_d50bcfa3 ON public.journeys_approvalevent USING btree (pgh_context_id);



CREATE INDEX journeys_approvalevent_pgh_obj_id_77488e73 ON public.journeys_approvalevent USING btree (pgh_obj_id);



CREATE INDEX journeys_approvalruleevent_pgh_context_id_953c0e55 ON public.journeys_approvalruleevent USING btree (pgh_context_id);



CREATE INDEX journeys_approvalruleevent_pgh_obj_id_ae2752d0 ON public.journeys_approvalruleevent USING btree (pgh_obj_id);



CREATE INDEX journeys_campaign_created_by_id_ec7a1fc7 ON public.journeys_campaign USING btree (created_by_id);



CREATE INDEX journeys_campaign_offer_id_55462b8f ON public.journeys_campaign USING btree (offer_id);



CREATE INDEX journeys_campaign_segment_id_59e5e949 ON public.journeys_campaign USING btree (segment_id);



CREATE INDEX journeys_campaign_starts ON public.journeys_campaign USING btree (starts_at) WHERE ((state)::text = 'scheduled'::text);



CREATE INDEX journeys_campaignchannel_channel_id_6c448c04 ON public.journeys_campaignchannel USING btree (channel_id);



CREATE INDEX journeys_campaignchannel_template_id_7b7f0c34 ON public.journeys_campaignchannel USING btree (template_id);



CREATE INDEX journeys_campaignchannel_version_id_9d9ca46f ON public.journeys_campaignchannel USING btree (version_id);



CREATE INDEX journeys_campaignchannelevent_campaign_id_3c2635b7 ON public.journeys_campaignchannelevent USING btree (campaign_id);



CREATE INDEX journeys_campaignchannelevent_channel_id_bac4a5dd ON public.journeys_campaignchannelevent USING btree (channel_id);



CREATE INDEX journeys_campaignchannelevent_pgh_context_id_51b6fcaa ON public.journeys_campaignchannelevent USING btree (pgh_context_id);



CREATE INDEX journeys_campaignchannelevent_pgh_obj_id_982ee9be ON public.journeys_campaignchannelevent USING btree (pgh_obj_id);



CREATE INDEX journeys_campaignchannelevent_template_id_713b8879 ON public.journeys_campaignchannelevent USING btree (template_id);



CREATE INDEX journeys_campaignchannelevent_version_id_4d6ee4b7 ON public.journeys_campaignchannelevent USING btree (version_id);



CREATE INDEX journeys_campaignevent_created_by_id_22d25713 ON public.journeys_campaignevent USING btree (created_by_id);



CREATE INDEX journeys_campaignevent_offer_id_94e4b4da ON public.journeys_campaignevent USING btree (offer_id);



CREATE INDEX journeys_campaignevent_pgh_context_id_599156b9 ON public.journeys_campaignevent USING btree (pgh_context_id);



CREATE INDEX journeys_campaignevent_pgh_obj_id_998bf130 ON public.journeys_campaignevent USING btree (pgh_obj_id);



CREATE INDEX journeys_campaignevent_segment_id_231b45d8 ON public.journeys_campaignevent USING btree (segment_id);



CREATE INDEX journeys_campaignevent_send_id_93bbd62c ON public.journeys_campaignevent USING btree (send_id);



CREATE INDEX journeys_enrollment_customer ON public.journeys_enrollment USING btree (customer_id, enrolled_at DESC);



CREATE INDEX journeys_enrollment_due ON public.journeys_enrollment USING btree (version_id, next_at) WHERE ((state)::text = 'active'::text);



CREATE INDEX journeys_enrollment_entered ON public.journeys_enrollment USING btree (entered_at) WHERE (entered_at IS NOT NULL);



CREATE INDEX journeys_enrollment_latest ON public.journeys_enrollment USING btree (journey_id, id DESC);



CREATE INDEX journeys_enrollment_left ON public.journeys_enrollment USING btree (left_at) WHERE (left_at IS NOT NULL);



CREATE INDEX journeys_enrollment_listens ON public.journeys_enrollment USING btree (customer_id) WHERE (listens AND ((state)::text = 'active'::text));



CREATE INDEX journeys_enrollment_parked ON public.journeys_enrollment USING btree (journey_id) WHERE ((state)::text = 'parked'::text);



CREATE INDEX journeys_enrollment_queue ON public.journeys_enrollment USING btree (journey_id, id) WHERE ((state)::text = 'queued'::text);



CREATE INDEX journeys_enrollment_where ON public.journeys_enrollment USING btree (version_id, step, state);



CREATE INDEX journeys_journey_created_by_id_e7fa6eab ON public.journeys_journey USING btree (created_by_id);



CREATE INDEX journeys_journey_current_id_f66ca091 ON public.journeys_journey USING btree (current_id);



CREATE INDEX journeys_journeyevent_created_by_id_f6494918 ON public.journeys_journeyevent USING btree (created_by_id);



CREATE INDEX journeys_journeyevent_current_id_30030b44 ON public.journeys_journeyevent USING btree (current_id);



CREATE INDEX journeys_journeyevent_pgh_context_id_51fa1545 ON public.journeys_journeyevent USING btree (pgh_context_id);



CREATE INDEX journeys_journeyevent_pgh_obj_id_1b4a3aa1 ON public.journeys_journeyevent USING btree (pgh_obj_id);



CREATE INDEX journeys_journeyversion_published_by_id_69ef4792 ON public.journeys_journeyversion USING btree (published_by_id);



CREATE INDEX journeys_ownplaybook_added_by_id_251a5f12 ON public.journeys_ownplaybook USING btree (added_by_id);



CREATE INDEX journeys_ownplaybook_code_2d19d88d_like ON public.journeys_ownplaybook USING btree (code varchar_pattern_ops);



CREATE INDEX journeys_ownplaybookevent_added_by_id_26993f36 ON public.journeys_ownplaybookevent USING btree (added_by_id);



CREATE INDEX journeys_ownplaybookevent_pgh_context_id_104715ad ON public.journeys_ownplaybookevent USING btree (pgh_context_id);



CREATE INDEX journeys_ownplaybookevent_pgh_obj_id_f8119d64 ON public.journeys_ownplaybookevent USING btree (pgh_obj_id);



CREATE INDEX journeys_passage_counts ON public.journeys_passage USING btree (version_id, step, "out");



CREATE INDEX journeys_rehearsal_journey_id_69f919aa ON public.journeys_rehearsal USING btree (journey_id);



CREATE UNIQUE INDEX journeys_rehearsal_one_at_work ON public.journeys_rehearsal USING btree (journey_id) WHERE ((state)::text = ANY (ARRAY[('queued'::character varying)::text, ('running'::character varying)::text]));



CREATE INDEX journeys_rehearsal_requested_by_id_73c1d1cb ON public.journeys_rehearsal USING btree (requested_by_id);



CREATE INDEX messaging_capevent_pgh_context_id_e41cf77a ON public.messaging_capevent USING btree (pgh_context_id);



CREATE INDEX messaging_capevent_pgh_obj_id_50c4dcc6 ON public.messaging_capevent USING btree (pgh_obj_id);



CREATE INDEX messaging_channel_created_by_id_13992e4c ON public.messaging_channel USING btree (created_by_id);



CREATE INDEX messaging_channel_key_c2da35c9_like ON public.messaging_channel USING btree (key varchar_pattern_ops);



CREATE UNIQUE INDEX messaging_channel_name_once ON public.messaging_channel USING btree (name) WHERE is_active;



CREATE INDEX messaging_channelevent_created_by_id_0aea4ba2 ON public.messaging_channelevent USING btree (created_by_id);



CREATE INDEX messaging_channelevent_pgh_context_id_a1c3e39d ON public.messaging_channelevent USING btree (pgh_context_id);



CREATE INDEX messaging_channelevent_pgh_obj_id_5af882d9 ON public.messaging_channelevent USING btree (pgh_obj_id);



CREATE INDEX messaging_click_link ON public.messaging_click USING btree (version_id, number);



CREATE INDEX messaging_delivery_accepted ON public.messaging_delivery USING btree (channel_id, accepted_at DESC);



CREATE INDEX messaging_delivery_counted ON public.messaging_delivery USING btree (customer_id, counted_at) WHERE (counted_at IS NOT NULL);



CREATE INDEX messaging_delivery_customer ON public.messaging_delivery USING btree (customer_id, created_at DESC);



CREATE INDEX messaging_delivery_doubted ON public.messaging_delivery USING btree (worker) WHERE (((state)::text = 'uncertain'::text) AND (worker IS NOT NULL));



CREATE INDEX messaging_delivery_due ON public.messaging_delivery USING btree (send_id, channel_id, due_at, id) WHERE ((state)::text = ANY (ARRAY[('pending'::character varying)::text, ('claimed'::character varying)::text, ('sending'::character varying)::text]));



CREATE INDEX messaging_delivery_leases ON public.messaging_delivery USING btree (lease_until) WHERE ((state)::text = ANY (ARRAY[('claimed'::character varying)::text, ('sending'::character varying)::text]));



CREATE UNIQUE INDEX messaging_delivery_passed_on ON public.messaging_delivery USING btree (send_id, instead_of_id) WHERE (instead_of_id IS NOT NULL);



CREATE INDEX messaging_delivery_provider ON public.messaging_delivery USING btree (channel_id, provider_id) WHERE (NOT ((provider_id)::text = ''::text));



CREATE INDEX messaging_delivery_refused ON public.messaging_delivery USING btree (settled_at) WHERE (((state)::text = ANY (ARRAY[('failed'::character varying)::text, ('bounced'::character varying)::text])) OR (((reason)::text = 'hard_bounce'::text) AND ((state)::text = 'suppressed'::text)));



CREATE INDEX messaging_delivery_tally ON public.messaging_delivery USING btree (send_id, state, reason) INCLUDE (cost_minor, was_uncertain);



CREATE INDEX messaging_letterheadevent_pgh_context_id_a7a666db ON public.messaging_letterheadevent USING btree (pgh_context_id);



CREATE INDEX messaging_letterheadevent_pgh_obj_id_c8edf324 ON public.messaging_letterheadevent USING btree (pgh_obj_id);



CREATE INDEX messaging_quiethours_medium_4f87ae90_like ON public.messaging_quiethours USING btree (medium varchar_pattern_ops);



CREATE INDEX messaging_quiethoursevent_pgh_context_id_4c0473bf ON public.messaging_quiethoursevent USING btree (pgh_context_id);



CREATE INDEX messaging_quiethoursevent_pgh_obj_id_a6ffad4c ON public.messaging_quiethoursevent USING btree (pgh_obj_id);



CREATE INDEX messaging_send_created_by_id_034f6507 ON public.messaging_send USING btree (created_by_id);



CREATE INDEX messaging_sendevent_created_by_id_25d81e22 ON public.messaging_sendevent USING btree (created_by_id);



CREATE INDEX messaging_sendevent_offer_id_33c6bded ON public.messaging_sendevent USING btree (offer_id);



CREATE INDEX messaging_sendevent_pgh_context_id_ea7cba81 ON public.messaging_sendevent USING btree (pgh_context_id);



CREATE INDEX messaging_sendevent_pgh_obj_id_3abee52f ON public.messaging_sendevent USING btree (pgh_obj_id);



CREATE INDEX messaging_singlemessage_customer_id_5fcc99e4 ON public.messaging_singlemessage USING btree (customer_id);



CREATE INDEX messaging_stafftask_assignee_id_8357daa6 ON public.messaging_stafftask USING btree (assignee_id);



CREATE INDEX messaging_stafftask_closed_by_id_b6d96ceb ON public.messaging_stafftask USING btree (closed_by_id);



CREATE INDEX messaging_suppressedaddressevent_pgh_context_id_466f5431 ON public.messaging_suppressedaddressevent USING btree (pgh_context_id);



CREATE INDEX messaging_suppressedaddressevent_pgh_obj_id_6b844579 ON public.messaging_suppressedaddressevent USING btree (pgh_obj_id);



CREATE INDEX messaging_task_open ON public.messaging_stafftask USING btree (due_at, id) WHERE (closed_at IS NULL);



CREATE INDEX messaging_template_created_by_id_3f0f0038 ON public.messaging_template USING btree (created_by_id);



CREATE UNIQUE INDEX messaging_template_name_once ON public.messaging_template USING btree (name) WHERE (archived_at IS NULL);



CREATE INDEX messaging_templateevent_created_by_id_c0c45a51 ON public.messaging_templateevent USING btree (created_by_id);



CREATE INDEX messaging_templateevent_pgh_context_id_b340725f ON public.messaging_templateevent USING btree (pgh_context_id);



CREATE INDEX messaging_templateevent_pgh_obj_id_c145c598 ON public.messaging_templateevent USING btree (pgh_obj_id);



CREATE INDEX messaging_templateversion_saved_by_id_4c03962c ON public.messaging_templateversion USING btree (saved_by_id);



CREATE INDEX mfa_authenticator_user_id_0c3a50c0 ON public.mfa_authenticator USING btree (user_id);



CREATE INDEX offers_coupon_code_1a5e2a74_like ON public.offers_coupon USING btree (code varchar_pattern_ops);



CREATE INDEX offers_coupon_offer ON public.offers_coupon USING btree (offer_id, id);



CREATE UNIQUE INDEX offers_coupon_once_a_source ON public.offers_coupon USING btree (holder_id, offer_id, source) WHERE (holder_id IS NOT NULL);



CREATE UNIQUE INDEX offers_name_once ON public.offers_offer USING btree (lower((name)::text)) WHERE (NOT ((state)::text = 'ended'::text));



CREATE INDEX offers_offer_created_by_id_4bab45e6 ON public.offers_offer USING btree (created_by_id);



CREATE INDEX offers_offerevent_created_by_id_0426f9bb ON public.offers_offerevent USING btree (created_by_id);



CREATE INDEX offers_offerevent_pgh_context_id_8bcbad24 ON public.offers_offerevent USING btree (pgh_context_id);



CREATE INDEX offers_offerevent_pgh_obj_id_98c50c7f ON public.offers_offerevent USING btree (pgh_obj_id);



CREATE INDEX offers_redemption_customer ON public.offers_redemption USING btree (customer_id, offer_id) WHERE (customer_id IS NOT NULL);



CREATE INDEX offers_redemption_expiry ON public.offers_redemption USING btree (expires_at) WHERE ((state)::text = 'reserved'::text);



CREATE INDEX offers_redemption_offer ON public.offers_redemption USING btree (offer_id, state, redeemed_at);



CREATE UNIQUE INDEX offers_redemption_once_an_order ON public.offers_redemption USING btree (coupon_id, store_id, order_code) NULLS NOT DISTINCT WHERE ((NOT ((order_code)::text = ''::text)) AND (NOT ((state)::text = 'released'::text)));



CREATE INDEX offers_redemption_order_id_e2bd066a ON public.offers_redemption USING btree (order_id);



CREATE INDEX offers_redemption_reservation_7f5497d3 ON public.offers_redemption USING btree (reservation);



CREATE INDEX offers_redemption_unlinked ON public.offers_redemption USING btree (store_id, order_code) WHERE ((order_id IS NULL) AND (NOT ((order_code)::text = ''::text)));



CREATE INDEX outbox_delivery_event_id_9d7b7ab0 ON public.outbox_delivery USING btree (event_id);



CREATE INDEX planner_action_assignee_id_e1f6cb39 ON public.planner_action USING btree (assignee_id);



CREATE INDEX planner_action_closed ON public.planner_action USING btree (closed_at) WHERE ((state)::text = ANY (ARRAY[('done'::character varying)::text, ('dismissed'::character varying)::text]));



CREATE INDEX planner_action_closed_by_id_96f091c5 ON public.planner_action USING btree (closed_by_id);



CREATE INDEX planner_action_customer ON public.planner_action USING btree (customer_id, as_of_day DESC);



CREATE INDEX planner_action_customer_id_f6b8f841 ON public.planner_action USING btree (customer_id);



CREATE INDEX planner_action_open ON public.planner_action USING btree (state, value_minor, id);



CREATE INDEX planner_action_playbook ON public.planner_action USING btree (state, playbook, value_minor, id);



CREATE INDEX planner_actionevent_assignee_id_bc440e0b ON public.planner_actionevent USING btree (assignee_id);



CREATE INDEX planner_actionevent_closed_by_id_3baa5aee ON public.planner_actionevent USING btree (closed_by_id);



CREATE INDEX planner_actionevent_customer_id_1d7a5475 ON public.planner_actionevent USING btree (customer_id);



CREATE INDEX planner_actionevent_pgh_context_id_90d11326 ON public.planner_actionevent USING btree (pgh_context_id);



CREATE INDEX planner_actionevent_pgh_obj_id_c8585107 ON public.planner_actionevent USING btree (pgh_obj_id);



CREATE INDEX planner_capacityevent_pgh_context_id_47f103cd ON public.planner_capacityevent USING btree (pgh_context_id);



CREATE INDEX planner_capacityevent_pgh_obj_id_5252d6f6 ON public.planner_capacityevent USING btree (pgh_obj_id);



CREATE UNIQUE INDEX planner_one_open_action ON public.planner_action USING btree (customer_id) WHERE ((state)::text = 'open'::text);



CREATE INDEX procrastinate_events_job_id_fkey_v1 ON public.procrastinate_events USING btree (job_id);



CREATE INDEX procrastinate_jobs_id_lock_idx_v1 ON public.procrastinate_jobs USING btree (id, lock) WHERE (status = ANY (ARRAY['todo'::public.procrastinate_job_status, 'doing'::public.procrastinate_job_status]));



CREATE UNIQUE INDEX procrastinate_jobs_lock_idx_v1 ON public.procrastinate_jobs USING btree (lock) WHERE (status = 'doing'::public.procrastinate_job_status);



CREATE INDEX procrastinate_jobs_priority_idx_v1 ON public.procrastinate_jobs USING btree (priority DESC, id) WHERE (status = 'todo'::public.procrastinate_job_status);



CREATE INDEX procrastinate_jobs_queue_name_idx_v1 ON public.procrastinate_jobs USING btree (queue_name);



CREATE UNIQUE INDEX procrastinate_jobs_queueing_lock_idx_v1 ON public.procrastinate_jobs USING btree (queueing_lock) WHERE (status = 'todo'::public.procrastinate_job_status);



CREATE INDEX procrastinate_periodic_defers_job_id_fkey_v1 ON public.procrastinate_periodic_defers USING btree (job_id);



CREATE INDEX reports_reviewmailingevent_pgh_context_id_ece42ac1 ON public.reports_reviewmailingevent USING btree (pgh_context_id);



CREATE INDEX reports_reviewmailingevent_pgh_obj_id_5f575904 ON public.reports_reviewmailingevent USING btree (pgh_obj_id);



CREATE INDEX segments_crossing_customer_id_c49eb27b ON public.segments_crossing USING btree (customer_id);



CREATE INDEX segments_crossing_latest ON public.segments_crossing USING btree (segment_id, at DESC);



CREATE INDEX segments_crossing_refresh_id_26417bb0 ON public.segments_crossing USING btree (refresh_id);



CREATE INDEX segments_kepttag_by_id_8c9cb4d9 ON public.segments_kepttag USING btree (by_id);



CREATE INDEX segments_kepttag_segment_id_13b702af ON public.segments_kepttag USING btree (segment_id);



CREATE INDEX segments_kepttagevent_by_id_e121c424 ON public.segments_kepttagevent USING btree (by_id);



CREATE INDEX segments_kepttagevent_pgh_context_id_685015b8 ON public.segments_kepttagevent USING btree (pgh_context_id);



CREATE INDEX segments_kepttagevent_pgh_obj_id_988a22c7 ON public.segments_kepttagevent USING btree (pgh_obj_id);



CREATE INDEX segments_kepttagevent_segment_id_c09f4bbd ON public.segments_kepttagevent USING btree (segment_id);



CREATE INDEX segments_kepttagevent_tag_id_d78e8384 ON public.segments_kepttagevent USING btree (tag_id);



CREATE INDEX segments_membership_customer_id_1caac913 ON public.segments_membership USING btree (customer_id);



CREATE UNIQUE INDEX segments_name_once ON public.segments_segment USING btree (name) WHERE ((archived_at IS NULL) AND (code IS NULL));



CREATE INDEX segments_refresh_latest ON public.segments_refresh USING btree (segment_id, as_of_day DESC, id DESC);



CREATE INDEX segments_segment_code_302de504_like ON public.segments_segment USING btree (code varchar_pattern_ops);



CREATE INDEX segments_segment_created_by_id_1b9abfaa ON public.segments_segment USING btree (created_by_id);



CREATE INDEX segments_segmentevent_created_by_id_f9ea835c ON public.segments_segmentevent USING btree (created_by_id);



CREATE INDEX segments_segmentevent_pgh_context_id_4b71aa02 ON public.segments_segmentevent USING btree (pgh_context_id);



CREATE INDEX segments_segmentevent_pgh_obj_id_a431230b ON public.segments_segmentevent USING btree (pgh_obj_id);



CREATE INDEX segments_version_saved_by_id_37962864 ON public.segments_version USING btree (saved_by_id);



CREATE INDEX shop_account_code_907413ea_like ON public.shop_account USING btree (code varchar_pattern_ops);



CREATE INDEX shop_account_manager_id_2da2aa4d ON public.shop_account USING btree (manager_id);



CREATE INDEX shop_accountevent_manager_id_5b6638ec ON public.shop_accountevent USING btree (manager_id);



CREATE INDEX shop_accountevent_pgh_context_id_47efd8a6 ON public.shop_accountevent USING btree (pgh_context_id);



CREATE INDEX shop_accountevent_pgh_obj_id_e6375e4c ON public.shop_accountevent USING btree (pgh_obj_id);



CREATE INDEX shop_attributedefinition_name_a5fe3996_like ON public.shop_attributedefinition USING btree (name varchar_pattern_ops);



CREATE INDEX shop_attributedefinitionevent_pgh_context_id_f0f51cb2 ON public.shop_attributedefinitionevent USING btree (pgh_context_id);



CREATE INDEX shop_attributedefinitionevent_pgh_obj_id_ac4385db ON public.shop_attributedefinitionevent USING btree (pgh_obj_id);



CREATE INDEX shop_attributevalue_customer_id_9ee5e28c ON public.shop_attributevalue USING btree (customer_id);



CREATE INDEX shop_businessevent_pgh_context_id_9bbdda8e ON public.shop_businessevent USING btree (pgh_context_id);



CREATE INDEX shop_businessevent_pgh_obj_id_036039a1 ON public.shop_businessevent USING btree (pgh_obj_id);



CREATE INDEX shop_consent_current ON public.shop_consent USING btree (customer_id, channel, purpose, at DESC);



CREATE INDEX shop_consent_key_bad11478_like ON public.shop_consent USING btree (key varchar_pattern_ops);



CREATE INDEX shop_consentevent_by_id_7f72ddbe ON public.shop_consentevent USING btree (by_id);



CREATE INDEX shop_consentevent_customer_id_c050633e ON public.shop_consentevent USING btree (customer_id);



CREATE INDEX shop_consentevent_pgh_context_id_0f772355 ON public.shop_consentevent USING btree (pgh_context_id);



CREATE INDEX shop_consentevent_pgh_obj_id_25aeb0d6 ON public.shop_consentevent USING btree (pgh_obj_id);



CREATE INDEX shop_consentofferevent_pgh_context_id_bf8acb70 ON public.shop_consentofferevent USING btree (pgh_context_id);



CREATE INDEX shop_consentofferevent_pgh_obj_id_f8438aeb ON public.shop_consentofferevent USING btree (pgh_obj_id);



CREATE INDEX shop_consentwording_made_by_id_dab4d94f ON public.shop_consentwording USING btree (made_by_id);



CREATE INDEX shop_consentwordingevent_made_by_id_ef86b973 ON public.shop_consentwordingevent USING btree (made_by_id);



CREATE INDEX shop_consentwordingevent_pgh_context_id_f4741bef ON public.shop_consentwordingevent USING btree (pgh_context_id);



CREATE INDEX shop_consentwordingevent_pgh_obj_id_fd57118b ON public.shop_consentwordingevent USING btree (pgh_obj_id);



CREATE INDEX shop_contact_customer_id_c2e0b9e7 ON public.shop_contact USING btree (customer_id);



CREATE INDEX shop_customer_code_a46664c8_like ON public.shop_customer USING btree (code varchar_pattern_ops);



CREATE INDEX shop_customer_country ON public.shop_customer USING btree (country, id);



CREATE INDEX shop_customer_grams ON public.shop_customer USING gin (public.shop_grams((COALESCE(' '::text, ''::text) || COALESCE(((COALESCE(code, ''::character varying))::text || COALESCE((COALESCE(' '::text, ''::text) || (COALESCE(name, ''::character varying))::text), ''::text)), ''::text))));



CREATE INDEX shop_customer_merged_into ON public.shop_customer USING btree (merged_into_id) WHERE (merged_into_id IS NOT NULL);



CREATE INDEX shop_customer_sort_name ON public.shop_customer USING btree (sort_name, id);



CREATE INDEX shop_customerevent_pgh_context_id_2929d333 ON public.shop_customerevent USING btree (pgh_context_id);



CREATE INDEX shop_customerevent_pgh_obj_id_95869e98 ON public.shop_customerevent USING btree (pgh_obj_id);



CREATE INDEX shop_erasedkey_digest_65095d79_like ON public.shop_erasedkey USING btree (digest varchar_pattern_ops);



CREATE INDEX shop_event_customer_at ON ONLY public.shop_event USING btree (customer_id, at DESC) WHERE (customer_id IS NOT NULL);



CREATE INDEX shop_event_order ON ONLY public.shop_event USING btree (order_code) WHERE ((order_code)::text <> ''::text);



CREATE INDEX shop_event_visitor_at ON ONLY public.shop_event USING btree (visitor_id, at DESC) WHERE (visitor_id IS NOT NULL);



CREATE INDEX shop_eventsource_code_a65bfd6e_like ON public.shop_eventsource USING btree (code varchar_pattern_ops);



CREATE INDEX shop_eventsource_store_id_616a56fe ON public.shop_eventsource USING btree (store_id);



CREATE INDEX shop_eventsourceevent_pgh_context_id_3729a6f4 ON public.shop_eventsourceevent USING btree (pgh_context_id);



CREATE INDEX shop_eventsourceevent_pgh_obj_id_9fec9941 ON public.shop_eventsourceevent USING btree (pgh_obj_id);



CREATE INDEX shop_eventsourceevent_store_id_0596de6f ON public.shop_eventsourceevent USING btree (store_id);



CREATE INDEX shop_identifier_customer_id_9a90be6a ON public.shop_identifier USING btree (customer_id);



CREATE INDEX shop_identifier_grams ON public.shop_identifier USING gin (public.shop_grams((COALESCE(' '::text, ''::text) || (COALESCE(value, ''::character varying))::text)));



CREATE INDEX shop_identifier_store_id_3fe9b14b ON public.shop_identifier USING btree (store_id);



CREATE INDEX shop_interaction_about_da7ea27d_like ON public.shop_interaction USING btree (about varchar_pattern_ops);



CREATE INDEX shop_interaction_customer_id_f7bb2b54 ON public.shop_interaction USING btree (customer_id);



CREATE INDEX shop_merge_absorbed_id_dc354836 ON public.shop_merge USING btree (absorbed_id);



CREATE INDEX shop_merge_kept_id_ac0b6a6d ON public.shop_merge USING btree (kept_id);



CREATE INDEX shop_merge_merged_by_id_2cd8bb95 ON public.shop_merge USING btree (merged_by_id);



CREATE UNIQUE INDEX shop_merge_once ON public.shop_merge USING btree (absorbed_id) WHERE (undone_at IS NULL);



CREATE INDEX shop_merge_suggestion_value ON public.shop_mergesuggestion USING btree (value);



CREATE INDEX shop_merge_undone_by_id_e3ad4a44 ON public.shop_merge USING btree (undone_by_id);



CREATE INDEX shop_mergesuggestion_second_id_237cb4af ON public.shop_mergesuggestion USING btree (second_id);



CREATE INDEX shop_order_account_day ON public.shop_order USING btree (account_id, day DESC) WHERE (account_id IS NOT NULL);



CREATE INDEX shop_order_customer_day ON public.shop_order USING btree (customer_id, day DESC);



CREATE INDEX shop_order_day ON public.shop_order USING btree (day);



CREATE INDEX shop_orderline_product_id_3f3985f6 ON public.shop_orderline USING btree (product_id);



CREATE INDEX shop_overlap_later_id_3e180551 ON public.shop_overlap USING btree (later_id);



CREATE INDEX shop_privacyact_by_id_346bd38d ON public.shop_privacyact USING btree (by_id);



CREATE INDEX shop_privacyact_customer_id_242ba14e ON public.shop_privacyact USING btree (customer_id);



CREATE INDEX shop_privacyactevent_by_id_12c8f91e ON public.shop_privacyactevent USING btree (by_id);



CREATE INDEX shop_privacyactevent_customer_id_1efb742f ON public.shop_privacyactevent USING btree (customer_id);



CREATE INDEX shop_privacyactevent_pgh_context_id_69f6aaf8 ON public.shop_privacyactevent USING btree (pgh_context_id);



CREATE INDEX shop_privacyactevent_pgh_obj_id_77a09bc9 ON public.shop_privacyactevent USING btree (pgh_obj_id);



CREATE INDEX shop_privacyrequest_customer_id_e8ebdc66 ON public.shop_privacyrequest USING btree (customer_id);



CREATE INDEX shop_privacyrequest_decided_by_id_d309a10d ON public.shop_privacyrequest USING btree (decided_by_id);



CREATE INDEX shop_privacyrequestevent_customer_id_d5f51abf ON public.shop_privacyrequestevent USING btree (customer_id);



CREATE INDEX shop_privacyrequestevent_decided_by_id_58666c2a ON public.shop_privacyrequestevent USING btree (decided_by_id);



CREATE INDEX shop_privacyrequestevent_pgh_context_id_a059d4de ON public.shop_privacyrequestevent USING btree (pgh_context_id);



CREATE INDEX shop_privacyrequestevent_pgh_obj_id_197a5cf8 ON public.shop_privacyrequestevent USING btree (pgh_obj_id);



CREATE INDEX shop_refund_customer_day ON public.shop_refund USING btree (customer_id, day DESC);



CREATE INDEX shop_refund_order_id_0ad89e2e ON public.shop_refund USING btree (order_id);



CREATE INDEX shop_refund_product_id_5fbaf005 ON public.shop_refund USING btree (product_id);



CREATE UNIQUE INDEX shop_request_one_open ON public.shop_privacyrequest USING btree (customer_id, kind) WHERE ((state)::text = ANY (ARRAY[('unconfirmed'::character varying)::text, ('open'::character varying)::text]));



CREATE INDEX shop_store_code_1465719e_like ON public.shop_store USING btree (code varchar_pattern_ops);



CREATE UNIQUE INDEX shop_tag_once ON public.shop_tag USING btree (lower((name)::text)) WHERE (removed_at IS NULL);



CREATE INDEX shop_tagevent_pgh_context_id_f384036b ON public.shop_tagevent USING btree (pgh_context_id);



CREATE INDEX shop_tagevent_pgh_obj_id_b93af2fc ON public.shop_tagevent USING btree (pgh_obj_id);



CREATE INDEX shop_tagging_customer_id_e48fbe5f ON public.shop_tagging USING btree (customer_id);



CREATE INDEX shop_taggingbatch_by_id_78b618a1 ON public.shop_taggingbatch USING btree (by_id);



CREATE INDEX shop_taggingbatch_tag_id_09141507 ON public.shop_taggingbatch USING btree (tag_id);



CREATE INDEX shop_taggingchange_customer_id_28c6d3d5 ON public.shop_taggingchange USING btree (customer_id);



CREATE INDEX shop_visitorlink_customer_id_136a80b3 ON public.shop_visitorlink USING btree (customer_id);



CREATE INDEX staff_apikey_created_by_id_a2d75755 ON public.staff_apikey USING btree (created_by_id);



CREATE INDEX staff_apikey_prefix_2de7c640_like ON public.staff_apikey USING btree (prefix varchar_pattern_ops);



CREATE INDEX staff_apikeyevent_created_by_id_981df49f ON public.staff_apikeyevent USING btree (created_by_id);



CREATE INDEX staff_apikeyevent_pgh_context_id_51ae200b ON public.staff_apikeyevent USING btree (pgh_context_id);



CREATE INDEX staff_apikeyevent_pgh_obj_id_785e8454 ON public.staff_apikeyevent USING btree (pgh_obj_id);



CREATE INDEX staff_tries_expires ON public.staff_tries USING btree (expires);



CREATE INDEX staff_user_email_4627d055_like ON public.staff_user USING btree (email varchar_pattern_ops);



CREATE UNIQUE INDEX staff_user_email_any_case ON public.staff_user USING btree (lower((email)::text));



CREATE INDEX staff_user_groups_group_id_f268c67d ON public.staff_user_groups USING btree (group_id);



CREATE INDEX staff_user_groups_user_id_d6a7bab4 ON public.staff_user_groups USING btree (user_id);



CREATE INDEX staff_user_user_permissions_permission_id_f36572eb ON public.staff_user_user_permissions USING btree (permission_id);



CREATE INDEX staff_user_user_permissions_user_id_47d1712b ON public.staff_user_user_permissions USING btree (user_id);



CREATE INDEX staff_userevent_pgh_context_id_f7dbfad0 ON public.staff_userevent USING btree (pgh_context_id);



CREATE INDEX staff_userevent_pgh_obj_id_6cbf21c7 ON public.staff_userevent USING btree (pgh_obj_id);



CREATE INDEX storefront_window_key_15541aa6_like ON public.storefront_window USING btree (key varchar_pattern_ops);



CREATE INDEX storefront_window_started_at_5e58e06d ON public.storefront_window USING btree (started_at);



CREATE UNIQUE INDEX unique_authenticator_type ON public.mfa_authenticator USING btree (user_id, type) WHERE ((type)::text = ANY (ARRAY[('totp'::character varying)::text, ('recovery_codes'::character varying)::text]));



CREATE UNIQUE INDEX unique_primary_email ON public.account_emailaddress USING btree (user_id, "primary") WHERE "primary";



CREATE UNIQUE INDEX unique_verified_email ON public.account_emailaddress USING btree (email) WHERE verified;



CREATE TRIGGER pgtrigger_append_only_7871f BEFORE UPDATE ON public.segments_crossing FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_append_only_7871f();



COMMENT ON TRIGGER pgtrigger_append_only_7871f ON public.segments_crossing IS '8403583643bd4f4b539a6bbc8d8113a5f0bdd390';



CREATE TRIGGER pgtrigger_append_only_8a6bd BEFORE DELETE OR UPDATE ON public.shop_consentwording FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_append_only_8a6bd();



COMMENT ON TRIGGER pgtrigger_append_only_8a6bd ON public.shop_consentwording IS '423ca57dcaf9da6227a73bff3ed2899d25b603c6';



CREATE TRIGGER pgtrigger_append_only_8ecd8 BEFORE DELETE OR UPDATE ON public.shop_consent FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_append_only_8ecd8();



COMMENT ON TRIGGER pgtrigger_append_only_8ecd8 ON public.shop_consent IS '400a272b557d33d6e82be546085a4087f50a0cdf';



CREATE TRIGGER pgtrigger_append_only_eb3bd BEFORE UPDATE ON public.journeys_passage FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_append_only_eb3bd();



COMMENT ON TRIGGER pgtrigger_append_only_eb3bd ON public.journeys_passage IS '19eac3c06bf317a65fdeac15c98a6bfb8b261195';



CREATE TRIGGER pgtrigger_decided_once_12602 BEFORE UPDATE ON public.journeys_approval FOR EACH ROW WHEN (((old.state)::text = ANY (ARRAY[('approved'::character varying)::text, ('declined'::character varying)::text, ('withdrawn'::character varying)::text]))) EXECUTE FUNCTION public.pgtrigger_decided_once_12602();



COMMENT ON TRIGGER pgtrigger_decided_once_12602 ON public.journeys_approval IS '3376cdc773d93f8ddb1b85b17ba8232cbf2273df';



CREATE TRIGGER pgtrigger_delete_delete_2951b AFTER DELETE ON public.messaging_quiethours FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_delete_delete_2951b();



COMMENT ON TRIGGER pgtrigger_delete_delete_2951b ON public.messaging_quiethours IS 'b55b749c23c61ab9b25e2ed16b925771f66690c5';



CREATE TRIGGER pgtrigger_delete_delete_94c0f AFTER DELETE ON public.messaging_suppressedaddress FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_delete_delete_94c0f();



COMMENT ON TRIGGER pgtrigger_delete_delete_94c0f ON public.messaging_suppressedaddress IS 'bd5ad4f0446e6ba1b74a26202055233d1b23082d';



CREATE TRIGGER pgtrigger_delete_delete_fb46b AFTER DELETE ON public.messaging_cap FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_delete_delete_fb46b();



COMMENT ON TRIGGER pgtrigger_delete_delete_fb46b ON public.messaging_cap IS '10258efd531bf72d1659ff535475f79c3c1d8514';



CREATE TRIGGER pgtrigger_frozen_70f83 BEFORE UPDATE ON public.journeys_journeyversion FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_frozen_70f83();



COMMENT ON TRIGGER pgtrigger_frozen_70f83 ON public.journeys_journeyversion IS 'e44a942d88ac6ccbb6e5e7829e779249e2fbdedc';



CREATE TRIGGER pgtrigger_insert_insert_05104 AFTER INSERT ON public.insights_policy FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_05104();



COMMENT ON TRIGGER pgtrigger_insert_insert_05104 ON public.insights_policy IS '901b0b0a7c28acf11c6cf81d5f37c7fef9e37f82';



CREATE TRIGGER pgtrigger_insert_insert_09333 AFTER INSERT ON public.shop_consentoffer FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_09333();



COMMENT ON TRIGGER pgtrigger_insert_insert_09333 ON public.shop_consentoffer IS '0e52922f79e5d75e3e68d714998578206fcd0b7b';



CREATE TRIGGER pgtrigger_insert_insert_0edbb AFTER INSERT ON public.journeys_ownplaybook FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_0edbb();



COMMENT ON TRIGGER pgtrigger_insert_insert_0edbb ON public.journeys_ownplaybook IS '9f4ac2e9d18c4a8477fcc8fc10a805fb02a764c8';



CREATE TRIGGER pgtrigger_insert_insert_12c33 AFTER INSERT ON public.shop_business FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_12c33();



COMMENT ON TRIGGER pgtrigger_insert_insert_12c33 ON public.shop_business IS 'bd2b3dac3bf6e40bebf22f04c60ee7d57fed7711';



CREATE TRIGGER pgtrigger_insert_insert_1a51c AFTER INSERT ON public.messaging_quiethours FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_1a51c();



COMMENT ON TRIGGER pgtrigger_insert_insert_1a51c ON public.messaging_quiethours IS '3d5f5d0803f2d36f64beed15064a61e3433be355';



CREATE TRIGGER pgtrigger_insert_insert_214ed AFTER INSERT ON public.messaging_cap FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_214ed();



COMMENT ON TRIGGER pgtrigger_insert_insert_214ed ON public.messaging_cap IS '044c83fb90e5cfc4477c71d9ca638524e2bfdf5d';



CREATE TRIGGER pgtrigger_insert_insert_2239e AFTER INSERT ON public.shop_tag FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_2239e();



COMMENT ON TRIGGER pgtrigger_insert_insert_2239e ON public.shop_tag IS '1bd7985b92e83e6df3c9b9f19c41268e531d80a8';



CREATE TRIGGER pgtrigger_insert_insert_2a18d AFTER INSERT ON public.journeys_campaignchannel FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_2a18d();



COMMENT ON TRIGGER pgtrigger_insert_insert_2a18d ON public.journeys_campaignchannel IS 'c5d3e07b985ab99f34cec85c3ce6f46d78407ff3';



CREATE TRIGGER pgtrigger_insert_insert_39e9a AFTER INSERT ON public.intake_connection FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_39e9a();



COMMENT ON TRIGGER pgtrigger_insert_insert_39e9a ON public.intake_connection IS 'a9b96b01e51c3fac0b72d7aed9c4b379085e9b09';



CREATE TRIGGER pgtrigger_insert_insert_46fff AFTER INSERT ON public.intake_writekey FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_46fff();



COMMENT ON TRIGGER pgtrigger_insert_insert_46fff ON public.intake_writekey IS '3c675a6efb6d4afcbbc8938c6fa18bfea4bebe89';



CREATE TRIGGER pgtrigger_insert_insert_58de6 AFTER INSERT ON public.shop_attributedefinition FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_58de6();



COMMENT ON TRIGGER pgtrigger_insert_insert_58de6 ON public.shop_attributedefinition IS '3a289561163482a1a6495bb410f74a4bd821a390';



CREATE TRIGGER pgtrigger_insert_insert_5e0f7 AFTER INSERT ON public.messaging_letterhead FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_5e0f7();



COMMENT ON TRIGGER pgtrigger_insert_insert_5e0f7 ON public.messaging_letterhead IS 'bf3e0f979127e72f6a193f7783995cb90f13b724';



CREATE TRIGGER pgtrigger_insert_insert_6e336 AFTER INSERT ON public.journeys_approvalrule FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_6e336();



COMMENT ON TRIGGER pgtrigger_insert_insert_6e336 ON public.journeys_approvalrule IS '83025c23bf4ae87fe1949fba0aa69ede799f89c6';



CREATE TRIGGER pgtrigger_insert_insert_7273c AFTER INSERT ON public.reports_reviewmailing FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_7273c();



COMMENT ON TRIGGER pgtrigger_insert_insert_7273c ON public.reports_reviewmailing IS 'b29f6766e57b86814befbcb637d01dd762f3af87';



CREATE TRIGGER pgtrigger_insert_insert_741bd AFTER INSERT ON public.shop_privacyrequest FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_741bd();



COMMENT ON TRIGGER pgtrigger_insert_insert_741bd ON public.shop_privacyrequest IS 'e778e0910a68bdd847e661da6e0bd2f377b6da59';



CREATE TRIGGER pgtrigger_insert_insert_78eed AFTER INSERT ON public.shop_privacyact FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_78eed();



COMMENT ON TRIGGER pgtrigger_insert_insert_78eed ON public.shop_privacyact IS 'd13d405820c96949a8da994008fba295cb8824a4';



CREATE TRIGGER pgtrigger_insert_insert_86098 AFTER INSERT ON public.shop_consentwording FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_86098();



COMMENT ON TRIGGER pgtrigger_insert_insert_86098 ON public.shop_consentwording IS 'db4fa612ddfb21435118c9581c9e410fdf08739e';



CREATE TRIGGER pgtrigger_insert_insert_90f3e AFTER INSERT ON public.journeys_campaign FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_90f3e();



COMMENT ON TRIGGER pgtrigger_insert_insert_90f3e ON public.journeys_campaign IS '2692056ba15c75be03d4cbffbd4e393ae53d6b99';



CREATE TRIGGER pgtrigger_insert_insert_9466b AFTER INSERT ON public.planner_action FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_9466b();



COMMENT ON TRIGGER pgtrigger_insert_insert_9466b ON public.planner_action IS 'c940cf1b615ed6abbb500d107ee76fd45e8109e0';



CREATE TRIGGER pgtrigger_insert_insert_968ac AFTER INSERT ON public.segments_segment FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_968ac();



COMMENT ON TRIGGER pgtrigger_insert_insert_968ac ON public.segments_segment IS 'b708ea0c9da5a6e8e2230831ac9edfaa875bff66';



CREATE TRIGGER pgtrigger_insert_insert_96c48 AFTER INSERT ON public.journeys_adoptedplaybook FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_96c48();



COMMENT ON TRIGGER pgtrigger_insert_insert_96c48 ON public.journeys_adoptedplaybook IS '0e29ad9bb3b7eb91e9b4eb0b8547ddf91891e157';



CREATE TRIGGER pgtrigger_insert_insert_9e0d8 AFTER INSERT ON public.shop_eventsource FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_9e0d8();



COMMENT ON TRIGGER pgtrigger_insert_insert_9e0d8 ON public.shop_eventsource IS 'c59f01abe6508a284a20e2eccaddb1da71fdde41';



CREATE TRIGGER pgtrigger_insert_insert_ab8cb AFTER INSERT ON public.experiments_arm FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_ab8cb();



COMMENT ON TRIGGER pgtrigger_insert_insert_ab8cb ON public.experiments_arm IS '15cfe923cda00ff9d405e3c73e966ed12f71c017';



CREATE TRIGGER pgtrigger_insert_insert_b1e0a AFTER INSERT ON public.shop_consent FOR EACH ROW WHEN ((new.by_id IS NOT NULL)) EXECUTE FUNCTION public.pgtrigger_insert_insert_b1e0a();



COMMENT ON TRIGGER pgtrigger_insert_insert_b1e0a ON public.shop_consent IS '2db6c75a3f41960e4b5e18835929b1660605d29c';



CREATE TRIGGER pgtrigger_insert_insert_b53db AFTER INSERT ON public.messaging_send FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_b53db();



COMMENT ON TRIGGER pgtrigger_insert_insert_b53db ON public.messaging_send IS '2009aa235a8fbe1b79a15f40ed6e0283ff0d6cb2';



CREATE TRIGGER pgtrigger_insert_insert_b856d AFTER INSERT ON public.experiments_experiment FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_b856d();



COMMENT ON TRIGGER pgtrigger_insert_insert_b856d ON public.experiments_experiment IS '01d7db910ca2ddd73815a72a4ce33c964230bf53';



CREATE TRIGGER pgtrigger_insert_insert_ba1dd AFTER INSERT ON public.offers_offer FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_ba1dd();



COMMENT ON TRIGGER pgtrigger_insert_insert_ba1dd ON public.offers_offer IS '6c0a2d409d9e2127477ebf0c17a5f1421f1840a2';



CREATE TRIGGER pgtrigger_insert_insert_ce506 AFTER INSERT ON public.intake_columnmap FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_ce506();



COMMENT ON TRIGGER pgtrigger_insert_insert_ce506 ON public.intake_columnmap IS 'f5467326c54330a68e82d5331c85fe37a3ee96b0';



CREATE TRIGGER pgtrigger_insert_insert_d0647 AFTER INSERT ON public.staff_apikey FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_d0647();



COMMENT ON TRIGGER pgtrigger_insert_insert_d0647 ON public.staff_apikey IS '9b069791624f9d14655b6244de9c8940dc2167cb';



CREATE TRIGGER pgtrigger_insert_insert_d2944 AFTER INSERT ON public.journeys_approval FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_d2944();



COMMENT ON TRIGGER pgtrigger_insert_insert_d2944 ON public.journeys_approval IS '2d209075972d01eb29659068b99799a69816ea2b';



CREATE TRIGGER pgtrigger_insert_insert_d5180 AFTER INSERT ON public.messaging_channel FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_d5180();



COMMENT ON TRIGGER pgtrigger_insert_insert_d5180 ON public.messaging_channel IS '0403a34b49d4f18d48d49fc88e8d0896dea5d973';



CREATE TRIGGER pgtrigger_insert_insert_dd233 AFTER INSERT ON public.messaging_template FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_dd233();



COMMENT ON TRIGGER pgtrigger_insert_insert_dd233 ON public.messaging_template IS '21618335b5f34fe970b3505f67b96b596dbaecb9';



CREATE TRIGGER pgtrigger_insert_insert_ebbbb AFTER INSERT ON public.messaging_suppressedaddress FOR EACH ROW WHEN (((new.reason)::text = 'staff'::text)) EXECUTE FUNCTION public.pgtrigger_insert_insert_ebbbb();



COMMENT ON TRIGGER pgtrigger_insert_insert_ebbbb ON public.messaging_suppressedaddress IS 'de326af99dc7a54490614c8e2bab04d82e89fea4';



CREATE TRIGGER pgtrigger_insert_insert_ecb99 AFTER INSERT ON public.journeys_journey FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_ecb99();



COMMENT ON TRIGGER pgtrigger_insert_insert_ecb99 ON public.journeys_journey IS '3145dc17fa48df730ff129bf1b1913ea48ac84e8';



CREATE TRIGGER pgtrigger_insert_insert_ed0ec AFTER INSERT ON public.planner_capacity FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_ed0ec();



COMMENT ON TRIGGER pgtrigger_insert_insert_ed0ec ON public.planner_capacity IS '649e64ea670001d10352cd2ada32e94863caebe3';



CREATE TRIGGER pgtrigger_insert_insert_ee817 AFTER INSERT ON public.staff_user FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_ee817();



COMMENT ON TRIGGER pgtrigger_insert_insert_ee817 ON public.staff_user IS 'f6e1a284664060fdda9f53392d25f538568ae7f0';



CREATE TRIGGER pgtrigger_insert_insert_f1049 AFTER INSERT ON public.shop_account FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_f1049();



COMMENT ON TRIGGER pgtrigger_insert_insert_f1049 ON public.shop_account IS 'fcee605b8a30502c81781fcec6660ef3a2a2d239';



CREATE TRIGGER pgtrigger_insert_insert_fda28 AFTER INSERT ON public.segments_kepttag FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_insert_insert_fda28();



COMMENT ON TRIGGER pgtrigger_insert_insert_fda28 ON public.segments_kepttag IS 'bd5fa84261574201b540a612dd0485fb6674b258';



CREATE TRIGGER pgtrigger_kept_5b836 BEFORE DELETE ON public.messaging_delivery FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_kept_5b836();



COMMENT ON TRIGGER pgtrigger_kept_5b836 ON public.messaging_delivery IS '5becd60decbd054615cfe24f3cf909484214c388';



CREATE TRIGGER pgtrigger_never_changed_2dc00 BEFORE UPDATE ON public.experiments_assignment FOR EACH ROW WHEN (((old.arm_id IS DISTINCT FROM new.arm_id) OR (old.at IS DISTINCT FROM new.at))) EXECUTE FUNCTION public.pgtrigger_never_changed_2dc00();



COMMENT ON TRIGGER pgtrigger_never_changed_2dc00 ON public.experiments_assignment IS '4a8058b910de68e09dc07c35fc427ca914ad5759';



CREATE TRIGGER pgtrigger_no_truncate_e349c BEFORE TRUNCATE ON public.shop_consent FOR EACH STATEMENT EXECUTE FUNCTION public.pgtrigger_no_truncate_e349c();



COMMENT ON TRIGGER pgtrigger_no_truncate_e349c ON public.shop_consent IS 'a2b30b661358e182fca7308aab8e30c4808beb52';



CREATE TRIGGER pgtrigger_only_drafts_change_407d3 BEFORE UPDATE ON public.journeys_campaign FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_only_drafts_change_407d3();



COMMENT ON TRIGGER pgtrigger_only_drafts_change_407d3 ON public.journeys_campaign IS '4c364e22e1e385c997d3f30c6dc6372390c9a42d';



CREATE TRIGGER pgtrigger_only_drafts_change_b8eb1 BEFORE UPDATE ON public.experiments_experiment FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_only_drafts_change_b8eb1();



COMMENT ON TRIGGER pgtrigger_only_drafts_change_b8eb1 ON public.experiments_experiment IS '9004dae88374c49aa88088497209fbc0db2b603f';



CREATE TRIGGER pgtrigger_single_stays_e5db6 BEFORE DELETE ON public.messaging_singlemessage FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_single_stays_e5db6();



COMMENT ON TRIGGER pgtrigger_single_stays_e5db6 ON public.messaging_singlemessage IS '277af61c115c63fb44b5f32c8fca5e2b08346d74';



CREATE TRIGGER pgtrigger_states_84fb7 BEFORE UPDATE ON public.messaging_delivery FOR EACH ROW WHEN ((((old.state)::text IS DISTINCT FROM (new.state)::text) OR (old.generation IS DISTINCT FROM new.generation))) EXECUTE FUNCTION public.pgtrigger_states_84fb7();



COMMENT ON TRIGGER pgtrigger_states_84fb7 ON public.messaging_delivery IS '5e51cf0e6c178694c303babe96413cbb3e8ad3b3';



CREATE TRIGGER pgtrigger_template_kept_7cc7a BEFORE DELETE OR UPDATE ON public.messaging_templateversion FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_template_kept_7cc7a();



COMMENT ON TRIGGER pgtrigger_template_kept_7cc7a ON public.messaging_templateversion IS '5679f9efc7a1d3f92c455d9d86309cf41fe21b6d';



CREATE TRIGGER pgtrigger_update_update_0668d AFTER UPDATE ON public.journeys_campaignchannel FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_0668d();



COMMENT ON TRIGGER pgtrigger_update_update_0668d ON public.journeys_campaignchannel IS 'ccdac46b773da8139d64b7d339f9f7be37acf24b';



CREATE TRIGGER pgtrigger_update_update_1295b AFTER UPDATE ON public.intake_writekey FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_1295b();



COMMENT ON TRIGGER pgtrigger_update_update_1295b ON public.intake_writekey IS 'df5c9f9e2d7a30ff50668f23b95d1103111b241b';



CREATE TRIGGER pgtrigger_update_update_159f9 AFTER UPDATE ON public.shop_eventsource FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_159f9();



COMMENT ON TRIGGER pgtrigger_update_update_159f9 ON public.shop_eventsource IS '448ad959777464b06e18cf3ddb353c5e8bb341e2';



CREATE TRIGGER pgtrigger_update_update_171db AFTER UPDATE ON public.messaging_letterhead FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_171db();



COMMENT ON TRIGGER pgtrigger_update_update_171db ON public.messaging_letterhead IS '7e0c10f8300e748ce3b3b0a775201f589ee026dc';



CREATE TRIGGER pgtrigger_update_update_24211 AFTER UPDATE ON public.planner_action FOR EACH ROW WHEN (((old.assignee_id IS DISTINCT FROM new.assignee_id) OR (old.note IS DISTINCT FROM new.note) OR ((old.state)::text IS DISTINCT FROM (new.state)::text))) EXECUTE FUNCTION public.pgtrigger_update_update_24211();



COMMENT ON TRIGGER pgtrigger_update_update_24211 ON public.planner_action IS '2c6c0e47f910c29c1c42b20ae90e71c2612f05f3';



CREATE TRIGGER pgtrigger_update_update_27bb6 AFTER UPDATE ON public.shop_business FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_27bb6();



COMMENT ON TRIGGER pgtrigger_update_update_27bb6 ON public.shop_business IS '2f56a25d83ac66a67a0ff93083a66a34f498160b';



CREATE TRIGGER pgtrigger_update_update_31056 AFTER UPDATE ON public.shop_account FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_31056();



COMMENT ON TRIGGER pgtrigger_update_update_31056 ON public.shop_account IS 'be8d142347e37b7a28f5a3432076c08d9411afdc';



CREATE TRIGGER pgtrigger_update_update_3503b AFTER UPDATE ON public.offers_offer FOR EACH ROW WHEN (((old.benefit IS DISTINCT FROM new.benefit) OR (old.budget_minor IS DISTINCT FROM new.budget_minor) OR (old.code_days IS DISTINCT FROM new.code_days) OR (old.ends_at IS DISTINCT FROM new.ends_at) OR (old.goods IS DISTINCT FROM new.goods) OR (old.holder_only IS DISTINCT FROM new.holder_only) OR (old.least_minor IS DISTINCT FROM new.least_minor) OR (old.most_minor IS DISTINCT FROM new.most_minor) OR ((old.name)::text IS DISTINCT FROM (new.name)::text) OR (old.per_customer IS DISTINCT FROM new.per_customer) OR ((old.stacking)::text IS DISTINCT FROM (new.stacking)::text) OR (old.starts_at IS DISTINCT FROM new.starts_at) OR ((old.state)::text IS DISTINCT FROM (new.state)::text) OR (old.stock IS DISTINCT FROM new.stock) OR (old.stores IS DISTINCT FROM new.stores) OR ((old.words)::text IS DISTINCT FROM (new.words)::text) OR ((old.words_zh)::text IS DISTINCT FROM (new.words_zh)::text))) EXECUTE FUNCTION public.pgtrigger_update_update_3503b();



COMMENT ON TRIGGER pgtrigger_update_update_3503b ON public.offers_offer IS '01a9abc33d4f786cb92f932927b7e7f97935599d';



CREATE TRIGGER pgtrigger_update_update_39955 AFTER UPDATE ON public.shop_attributedefinition FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_39955();



COMMENT ON TRIGGER pgtrigger_update_update_39955 ON public.shop_attributedefinition IS '50c532e229a6e5817d1176e057292c021829b05c';



CREATE TRIGGER pgtrigger_update_update_3e212 AFTER UPDATE ON public.shop_consentwording FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_3e212();



COMMENT ON TRIGGER pgtrigger_update_update_3e212 ON public.shop_consentwording IS '151daf0fb37a335ba64cdb57f6c06237ac8b4b15';



CREATE TRIGGER pgtrigger_update_update_3f069 AFTER UPDATE ON public.messaging_send FOR EACH ROW WHEN (((old.counts IS DISTINCT FROM new.counts) OR (old.created_at IS DISTINCT FROM new.created_at) OR (old.created_by_id IS DISTINCT FROM new.created_by_id) OR (old.expires_at IS DISTINCT FROM new.expires_at) OR (old.holdout_bp IS DISTINCT FROM new.holdout_bp) OR (old.id IS DISTINCT FROM new.id) OR (old.is_transactional IS DISTINCT FROM new.is_transactional) OR ((old.kind)::text IS DISTINCT FROM (new.kind)::text) OR ((old.label)::text IS DISTINCT FROM (new.label)::text) OR (old.offer_id IS DISTINCT FROM new.offer_id) OR (old.over IS DISTINCT FROM new.over) OR (old.priority IS DISTINCT FROM new.priority) OR ((old.purpose)::text IS DISTINCT FROM (new.purpose)::text) OR (old.source_id IS DISTINCT FROM new.source_id) OR ((old.state)::text IS DISTINCT FROM (new.state)::text) OR ((old.step)::text IS DISTINCT FROM (new.step)::text) OR ((old.tag)::text IS DISTINCT FROM (new.tag)::text) OR ((old.trouble)::text IS DISTINCT FROM (new.trouble)::text))) EXECUTE FUNCTION public.pgtrigger_update_update_3f069();



COMMENT ON TRIGGER pgtrigger_update_update_3f069 ON public.messaging_send IS '4429e6b24c22aac6d697f581cf55a81dab21ca9d';



CREATE TRIGGER pgtrigger_update_update_469ec AFTER UPDATE ON public.shop_tag FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_469ec();



COMMENT ON TRIGGER pgtrigger_update_update_469ec ON public.shop_tag IS '90638e8d912cbeb9cc1721749d56508ca7455e0e';



CREATE TRIGGER pgtrigger_update_update_4b531 AFTER UPDATE ON public.messaging_cap FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_4b531();



COMMENT ON TRIGGER pgtrigger_update_update_4b531 ON public.messaging_cap IS '7dfdd77d72c08e833d1cc1826f5b11e59393db7d';



CREATE TRIGGER pgtrigger_update_update_4ba98 AFTER UPDATE ON public.experiments_experiment FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_4ba98();



COMMENT ON TRIGGER pgtrigger_update_update_4ba98 ON public.experiments_experiment IS 'ac4039e89ba32a25d02f9511a7fb63f5ad4065f9';



CREATE TRIGGER pgtrigger_update_update_4e7da AFTER UPDATE ON public.journeys_approval FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_4e7da();



COMMENT ON TRIGGER pgtrigger_update_update_4e7da ON public.journeys_approval IS '4a2b8a4886e658cbb8285d0e07d4a71e373f11b6';



CREATE TRIGGER pgtrigger_update_update_54f67 AFTER UPDATE ON public.journeys_campaign FOR EACH ROW WHEN (((old.archived_at IS DISTINCT FROM new.archived_at) OR (old.at IS DISTINCT FROM new.at) OR (old.clock IS DISTINCT FROM new.clock) OR (old.created_at IS DISTINCT FROM new.created_at) OR (old.created_by_id IS DISTINCT FROM new.created_by_id) OR (old.excluded IS DISTINCT FROM new.excluded) OR (old.holdout_bp IS DISTINCT FROM new.holdout_bp) OR (old.id IS DISTINCT FROM new.id) OR (old.lasts_days IS DISTINCT FROM new.lasts_days) OR ((old.name)::text IS DISTINCT FROM (new.name)::text) OR (old.offer_id IS DISTINCT FROM new.offer_id) OR (old.on_day IS DISTINCT FROM new.on_day) OR (old.priority IS DISTINCT FROM new.priority) OR ((old.purpose)::text IS DISTINCT FROM (new.purpose)::text) OR (old.segment_id IS DISTINCT FROM new.segment_id) OR (old.send_id IS DISTINCT FROM new.send_id) OR (old.started_at IS DISTINCT FROM new.started_at) OR (old.starts_at IS DISTINCT FROM new.starts_at) OR ((old.state)::text IS DISTINCT FROM (new.state)::text) OR ((old.tag)::text IS DISTINCT FROM (new.tag)::text) OR ((old.timing)::text IS DISTINCT FROM (new.timing)::text) OR (old.window_days IS DISTINCT FROM new.window_days))) EXECUTE FUNCTION public.pgtrigger_update_update_54f67();



COMMENT ON TRIGGER pgtrigger_update_update_54f67 ON public.journeys_campaign IS 'b128909157bb16031491f5c7b606603810f6b5a8';



CREATE TRIGGER pgtrigger_update_update_570bf AFTER UPDATE ON public.experiments_arm FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_570bf();



COMMENT ON TRIGGER pgtrigger_update_update_570bf ON public.experiments_arm IS '55b52aa76426d12176a1135af2ff4c89d5412918';



CREATE TRIGGER pgtrigger_update_update_5c243 AFTER UPDATE ON public.segments_segment FOR EACH ROW WHEN (((old.archived_at IS DISTINCT FROM new.archived_at) OR ((old.code)::text IS DISTINCT FROM (new.code)::text) OR (old.created_at IS DISTINCT FROM new.created_at) OR (old.created_by_id IS DISTINCT FROM new.created_by_id) OR ((old.description)::text IS DISTINCT FROM (new.description)::text) OR (old.id IS DISTINCT FROM new.id) OR ((old.kind)::text IS DISTINCT FROM (new.kind)::text) OR ((old.name)::text IS DISTINCT FROM (new.name)::text) OR (old.rule IS DISTINCT FROM new.rule) OR (old.version IS DISTINCT FROM new.version))) EXECUTE FUNCTION public.pgtrigger_update_update_5c243();



COMMENT ON TRIGGER pgtrigger_update_update_5c243 ON public.segments_segment IS '554e201ed83a856f012f1b850545aa375d3b3a10';



CREATE TRIGGER pgtrigger_update_update_60cd2 AFTER UPDATE ON public.segments_kepttag FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_60cd2();



COMMENT ON TRIGGER pgtrigger_update_update_60cd2 ON public.segments_kepttag IS 'de9174ba57045103ca4c54a1751ed5dd9d577870';



CREATE TRIGGER pgtrigger_update_update_62962 AFTER UPDATE ON public.staff_apikey FOR EACH ROW WHEN (((old.created_at IS DISTINCT FROM new.created_at) OR (old.created_by_id IS DISTINCT FROM new.created_by_id) OR (old.expires_at IS DISTINCT FROM new.expires_at) OR (old.id IS DISTINCT FROM new.id) OR ((old.name)::text IS DISTINCT FROM (new.name)::text) OR ((old.prefix)::text IS DISTINCT FROM (new.prefix)::text) OR (old.revoked_at IS DISTINCT FROM new.revoked_at) OR (old.scopes IS DISTINCT FROM new.scopes))) EXECUTE FUNCTION public.pgtrigger_update_update_62962();



COMMENT ON TRIGGER pgtrigger_update_update_62962 ON public.staff_apikey IS '03814760660c1dc13d410e40458cc1135de812ff';



CREATE TRIGGER pgtrigger_update_update_731b2 AFTER UPDATE ON public.intake_columnmap FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_731b2();



COMMENT ON TRIGGER pgtrigger_update_update_731b2 ON public.intake_columnmap IS '4f420aa65a53a648382588ac0c2461a1b0ef6cdf';



CREATE TRIGGER pgtrigger_update_update_82b82 AFTER UPDATE ON public.intake_connection FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_82b82();



COMMENT ON TRIGGER pgtrigger_update_update_82b82 ON public.intake_connection IS 'ad073c19161ab41f1ea5eb2e1c48924fa5489cef';



CREATE TRIGGER pgtrigger_update_update_89fa1 AFTER UPDATE ON public.journeys_ownplaybook FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_89fa1();



COMMENT ON TRIGGER pgtrigger_update_update_89fa1 ON public.journeys_ownplaybook IS '4052895b9ac4a5d84dc1dd95024836aebc9d1cb5';



CREATE TRIGGER pgtrigger_update_update_8c3eb AFTER UPDATE ON public.staff_user FOR EACH ROW WHEN ((((old.email)::text IS DISTINCT FROM (new.email)::text) OR (old.id IS DISTINCT FROM new.id) OR (old.is_active IS DISTINCT FROM new.is_active) OR (old.is_superuser IS DISTINCT FROM new.is_superuser) OR (old.joined_at IS DISTINCT FROM new.joined_at) OR ((old.language)::text IS DISTINCT FROM (new.language)::text) OR ((old.name)::text IS DISTINCT FROM (new.name)::text) OR ((old.role)::text IS DISTINCT FROM (new.role)::text))) EXECUTE FUNCTION public.pgtrigger_update_update_8c3eb();



COMMENT ON TRIGGER pgtrigger_update_update_8c3eb ON public.staff_user IS 'da50b6b32b08c7bab46c4841f5a1972247a5af87';



CREATE TRIGGER pgtrigger_update_update_8e0bc AFTER UPDATE ON public.messaging_quiethours FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_8e0bc();



COMMENT ON TRIGGER pgtrigger_update_update_8e0bc ON public.messaging_quiethours IS '464e7e7965625b969c98d80779aef84e4b1f373b';



CREATE TRIGGER pgtrigger_update_update_9bbe1 AFTER UPDATE ON public.shop_consentoffer FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_9bbe1();



COMMENT ON TRIGGER pgtrigger_update_update_9bbe1 ON public.shop_consentoffer IS '539f451dd0f4e073c8f883fa8e37a45406870a8d';



CREATE TRIGGER pgtrigger_update_update_9bdd8 AFTER UPDATE ON public.messaging_template FOR EACH ROW WHEN (((old.archived_at IS DISTINCT FROM new.archived_at) OR (old.created_at IS DISTINCT FROM new.created_at) OR (old.created_by_id IS DISTINCT FROM new.created_by_id) OR ((old.description)::text IS DISTINCT FROM (new.description)::text) OR ((old.format)::text IS DISTINCT FROM (new.format)::text) OR (old.id IS DISTINCT FROM new.id) OR ((old.language)::text IS DISTINCT FROM (new.language)::text) OR ((old.name)::text IS DISTINCT FROM (new.name)::text))) EXECUTE FUNCTION public.pgtrigger_update_update_9bdd8();



COMMENT ON TRIGGER pgtrigger_update_update_9bdd8 ON public.messaging_template IS 'ed3ab4adf269b7b55eb8e02cd9374966487f72b3';



CREATE TRIGGER pgtrigger_update_update_a142c AFTER UPDATE ON public.journeys_adoptedplaybook FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_a142c();



COMMENT ON TRIGGER pgtrigger_update_update_a142c ON public.journeys_adoptedplaybook IS 'eeaabb12fb1c4fffa389e246b3c6911a1e14a931';



CREATE TRIGGER pgtrigger_update_update_a58ec AFTER UPDATE ON public.journeys_journey FOR EACH ROW WHEN (((old.archived_at IS DISTINCT FROM new.archived_at) OR (old.created_at IS DISTINCT FROM new.created_at) OR (old.created_by_id IS DISTINCT FROM new.created_by_id) OR (old.current_id IS DISTINCT FROM new.current_id) OR ((old.description)::text IS DISTINCT FROM (new.description)::text) OR (old.ended_at IS DISTINCT FROM new.ended_at) OR (old.graph IS DISTINCT FROM new.graph) OR (old.id IS DISTINCT FROM new.id) OR ((old.name)::text IS DISTINCT FROM (new.name)::text) OR ((old.salt)::text IS DISTINCT FROM (new.salt)::text) OR (old.started_at IS DISTINCT FROM new.started_at) OR ((old.state)::text IS DISTINCT FROM (new.state)::text))) EXECUTE FUNCTION public.pgtrigger_update_update_a58ec();



COMMENT ON TRIGGER pgtrigger_update_update_a58ec ON public.journeys_journey IS '014ddf152ab189fd36451ae6e57a92f83aa1a6dd';



CREATE TRIGGER pgtrigger_update_update_b1062 AFTER UPDATE ON public.shop_privacyrequest FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_b1062();



COMMENT ON TRIGGER pgtrigger_update_update_b1062 ON public.shop_privacyrequest IS '199ee265ae6345cd1cea3de95f771d30fc4de6e7';



CREATE TRIGGER pgtrigger_update_update_b78bc AFTER UPDATE ON public.journeys_approvalrule FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_b78bc();



COMMENT ON TRIGGER pgtrigger_update_update_b78bc ON public.journeys_approvalrule IS '8c2401aec1f317d887f5a73686ba9ced2cb89923';



CREATE TRIGGER pgtrigger_update_update_cafc6 AFTER UPDATE ON public.planner_capacity FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_cafc6();



COMMENT ON TRIGGER pgtrigger_update_update_cafc6 ON public.planner_capacity IS 'e1e819e3cdbf1406b61f243c1b8d0105ceb364e0';



CREATE TRIGGER pgtrigger_update_update_d16ee AFTER UPDATE ON public.reports_reviewmailing FOR EACH ROW WHEN (((old.id IS DISTINCT FROM new.id) OR ((old.language)::text IS DISTINCT FROM (new.language)::text) OR (old.recipients IS DISTINCT FROM new.recipients))) EXECUTE FUNCTION public.pgtrigger_update_update_d16ee();



COMMENT ON TRIGGER pgtrigger_update_update_d16ee ON public.reports_reviewmailing IS 'baaf6eeaf125c7ff77e16d12322d41964e844e0e';



CREATE TRIGGER pgtrigger_update_update_d2657 AFTER UPDATE ON public.messaging_channel FOR EACH ROW WHEN (((old.cost_minor IS DISTINCT FROM new.cost_minor) OR (old.created_at IS DISTINCT FROM new.created_at) OR (old.created_by_id IS DISTINCT FROM new.created_by_id) OR (old.domain_per_minute IS DISTINCT FROM new.domain_per_minute) OR (old.id IS DISTINCT FROM new.id) OR (old.is_active IS DISTINCT FROM new.is_active) OR ((old.key)::text IS DISTINCT FROM (new.key)::text) OR ((old.kind)::text IS DISTINCT FROM (new.kind)::text) OR ((old.medium)::text IS DISTINCT FROM (new.medium)::text) OR ((old.name)::text IS DISTINCT FROM (new.name)::text) OR (old.options IS DISTINCT FROM new.options) OR (old.per_minute IS DISTINCT FROM new.per_minute) OR (old.warm_up_first IS DISTINCT FROM new.warm_up_first) OR (old.warm_up_from IS DISTINCT FROM new.warm_up_from))) EXECUTE FUNCTION public.pgtrigger_update_update_d2657();



COMMENT ON TRIGGER pgtrigger_update_update_d2657 ON public.messaging_channel IS '8fd2913e0aefc178c7e6d10c5ede7b0398331dd2';



CREATE TRIGGER pgtrigger_update_update_eccab AFTER UPDATE ON public.insights_policy FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION public.pgtrigger_update_update_eccab();



COMMENT ON TRIGGER pgtrigger_update_update_eccab ON public.insights_policy IS '75666ada454bdbc41d6829537bc484c065541a80';



CREATE TRIGGER procrastinate_jobs_notify_queue_job_aborted_v1 AFTER UPDATE OF abort_requested ON public.procrastinate_jobs FOR EACH ROW WHEN (((old.abort_requested = false) AND (new.abort_requested = true) AND (new.status = 'doing'::public.procrastinate_job_status))) EXECUTE FUNCTION public.procrastinate_notify_queue_abort_job_v1();



CREATE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1 AFTER INSERT ON public.procrastinate_jobs FOR EACH ROW WHEN ((new.status = 'todo'::public.procrastinate_job_status)) EXECUTE FUNCTION public.procrastinate_notify_queue_job_inserted_v1();



CREATE TRIGGER procrastinate_trigger_abort_requested_events_v1 AFTER UPDATE OF abort_requested ON public.procrastinate_jobs FOR EACH ROW WHEN ((new.abort_requested = true)) EXECUTE FUNCTION public.procrastinate_trigger_abort_requested_events_procedure_v1();



CREATE TRIGGER procrastinate_trigger_delete_jobs_v1 BEFORE DELETE ON public.procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION public.procrastinate_unlink_periodic_defers_v1();



CREATE TRIGGER procrastinate_trigger_scheduled_events_v1 AFTER INSERT OR UPDATE ON public.procrastinate_jobs FOR EACH ROW WHEN (((new.scheduled_at IS NOT NULL) AND (new.status = 'todo'::public.procrastinate_job_status))) EXECUTE FUNCTION public.procrastinate_trigger_function_scheduled_events_v1();



CREATE TRIGGER procrastinate_trigger_status_events_insert_v1 AFTER INSERT ON public.procrastinate_jobs FOR EACH ROW WHEN ((new.status = 'todo'::public.procrastinate_job_status)) EXECUTE FUNCTION public.procrastinate_trigger_function_status_events_insert_v1();



CREATE TRIGGER procrastinate_trigger_status_events_update_v1 AFTER UPDATE OF status ON public.procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION public.procrastinate_trigger_function_status_events_update_v1();



CREATE TRIGGER shop_keep_change AFTER UPDATE ON public.shop_customer REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_keep_change();



CREATE TRIGGER shop_keep_change AFTER UPDATE ON public.shop_order REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_keep_change();



CREATE TRIGGER shop_keep_change AFTER UPDATE ON public.shop_orderline REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_keep_change();



CREATE TRIGGER shop_keep_change AFTER UPDATE ON public.shop_product REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_keep_change();



CREATE TRIGGER shop_keep_change AFTER UPDATE ON public.shop_refund REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_keep_change();



CREATE TRIGGER shop_touch_delete AFTER DELETE ON public.shop_attributevalue REFERENCING OLD TABLE AS some_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('customer_id');



CREATE TRIGGER shop_touch_delete AFTER DELETE ON public.shop_consent REFERENCING OLD TABLE AS some_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('customer_id');



CREATE TRIGGER shop_touch_delete AFTER DELETE ON public.shop_contact REFERENCING OLD TABLE AS some_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('customer_id');



CREATE TRIGGER shop_touch_delete AFTER DELETE ON public.shop_customer REFERENCING OLD TABLE AS some_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('id');



CREATE TRIGGER shop_touch_delete AFTER DELETE ON public.shop_identifier REFERENCING OLD TABLE AS some_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('customer_id');



CREATE TRIGGER shop_touch_delete AFTER DELETE ON public.shop_order REFERENCING OLD TABLE AS some_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('customer_id');



CREATE TRIGGER shop_touch_delete AFTER DELETE ON public.shop_tagging REFERENCING OLD TABLE AS some_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('customer_id');



CREATE TRIGGER shop_touch_insert AFTER INSERT ON public.shop_attributevalue REFERENCING NEW TABLE AS some_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('customer_id');



CREATE TRIGGER shop_touch_insert AFTER INSERT ON public.shop_consent REFERENCING NEW TABLE AS some_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('customer_id');



CREATE TRIGGER shop_touch_insert AFTER INSERT ON public.shop_contact REFERENCING NEW TABLE AS some_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('customer_id');



CREATE TRIGGER shop_touch_insert AFTER INSERT ON public.shop_customer REFERENCING NEW TABLE AS some_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('id');



CREATE TRIGGER shop_touch_insert AFTER INSERT ON public.shop_identifier REFERENCING NEW TABLE AS some_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('customer_id');



CREATE TRIGGER shop_touch_insert AFTER INSERT ON public.shop_order REFERENCING NEW TABLE AS some_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('customer_id');



CREATE TRIGGER shop_touch_insert AFTER INSERT ON public.shop_tagging REFERENCING NEW TABLE AS some_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('customer_id');



CREATE TRIGGER shop_touch_update AFTER UPDATE ON public.shop_attributevalue REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('customer_id');



CREATE TRIGGER shop_touch_update AFTER UPDATE ON public.shop_consent REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('customer_id');



CREATE TRIGGER shop_touch_update AFTER UPDATE ON public.shop_contact REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('customer_id');



CREATE TRIGGER shop_touch_update AFTER UPDATE ON public.shop_customer REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('id');



CREATE TRIGGER shop_touch_update AFTER UPDATE ON public.shop_identifier REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('customer_id');



CREATE TRIGGER shop_touch_update AFTER UPDATE ON public.shop_order REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('customer_id');



CREATE TRIGGER shop_touch_update AFTER UPDATE ON public.shop_tagging REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.shop_touch('customer_id');



ALTER TABLE ONLY public.account_emailaddress
    ADD CONSTRAINT account_emailaddress_user_id_2c513194_fk_staff_user_id FOREIGN KEY (user_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.account_emailconfirmation
    ADD CONSTRAINT account_emailconfirm_email_address_id_5b7f8c58_fk_account_e FOREIGN KEY (email_address_id) REFERENCES public.account_emailaddress(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.api_ratewindow
    ADD CONSTRAINT api_ratewindow_api_key_id_87ab9757_fk_staff_apikey_id FOREIGN KEY (api_key_id) REFERENCES public.staff_apikey(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.api_reply
    ADD CONSTRAINT api_reply_api_key_id_f2923a94_fk_staff_apikey_id FOREIGN KEY (api_key_id) REFERENCES public.staff_apikey(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissio_permission_id_84c5c92e_fk_auth_perm FOREIGN KEY (permission_id) REFERENCES public.auth_permission(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_group_id_b120cbf9_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES public.auth_group(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_content_type_id_2f476e4b_fk_django_co FOREIGN KEY (content_type_id) REFERENCES public.django_content_type(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.console_savedview
    ADD CONSTRAINT console_savedview_owner_id_6e495914_fk_staff_user_id FOREIGN KEY (owner_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.experiments_arm
    ADD CONSTRAINT experiments_arm_experiment_id_31e3cf58_fk_experimen FOREIGN KEY (experiment_id) REFERENCES public.experiments_experiment(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.experiments_assignment
    ADD CONSTRAINT experiments_assignme_experiment_id_0a04ebf1_fk_experimen FOREIGN KEY (experiment_id) REFERENCES public.experiments_experiment(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.experiments_assignment
    ADD CONSTRAINT experiments_assignment_arm_id_121fa865_fk_experiments_arm_id FOREIGN KEY (arm_id) REFERENCES public.experiments_arm(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.experiments_assignment
    ADD CONSTRAINT experiments_assignment_customer_id_c04a933a_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.experiments_experiment
    ADD CONSTRAINT experiments_experime_segment_id_f0c63883_fk_segments_ FOREIGN KEY (segment_id) REFERENCES public.segments_segment(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.experiments_experiment
    ADD CONSTRAINT experiments_experiment_created_by_id_7a6e7047_fk_staff_user_id FOREIGN KEY (created_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.experiments_experiment
    ADD CONSTRAINT experiments_experiment_winner_id_dcbab08c_fk_experiments_arm_id FOREIGN KEY (winner_id) REFERENCES public.experiments_arm(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.insights_backtest
    ADD CONSTRAINT insights_backtest_run_id_70e2c7b3_fk_insights_backtestrun_id FOREIGN KEY (run_id) REFERENCES public.insights_backtestrun(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.insights_dueproduct
    ADD CONSTRAINT insights_dueproduct_customer_id_1c10c322_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.insights_dueproduct
    ADD CONSTRAINT insights_dueproduct_product_id_2fa52f85_fk_shop_product_id FOREIGN KEY (product_id) REFERENCES public.shop_product(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.insights_profile
    ADD CONSTRAINT insights_profile_customer_id_8618b2b4_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.insights_profilechange
    ADD CONSTRAINT insights_profilechange_customer_id_6c60c433_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.insights_profilechange
    ADD CONSTRAINT insights_profilechange_run_id_2e41ffea_fk_insights_run_id FOREIGN KEY (run_id) REFERENCES public.insights_run(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.insights_recommendation
    ADD CONSTRAINT insights_recommendat_customer_id_f8da90ff_fk_shop_cust FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.insights_recommendation
    ADD CONSTRAINT insights_recommendation_product_id_a6a474d8_fk_shop_product_id FOREIGN KEY (product_id) REFERENCES public.shop_product(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.insights_relatedproduct
    ADD CONSTRAINT insights_relatedproduct_other_id_f165e575_fk_shop_product_id FOREIGN KEY (other_id) REFERENCES public.shop_product(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.insights_relatedproduct
    ADD CONSTRAINT insights_relatedproduct_product_id_3ab10dc3_fk_shop_product_id FOREIGN KEY (product_id) REFERENCES public.shop_product(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.insights_run
    ADD CONSTRAINT insights_run_learning_id_6d1bfa29_fk_insights_learning_id FOREIGN KEY (learning_id) REFERENCES public.insights_learning(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.insights_taste
    ADD CONSTRAINT insights_taste_customer_id_e622e14b_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.intake_backfill
    ADD CONSTRAINT intake_backfill_connection_id_d9291d70_fk_intake_connection_id FOREIGN KEY (connection_id) REFERENCES public.intake_connection(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.intake_backfill
    ADD CONSTRAINT intake_backfill_created_by_id_94fa1249_fk_staff_user_id FOREIGN KEY (created_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.intake_call
    ADD CONSTRAINT intake_call_source_id_26caecf9_fk_shop_eventsource_id FOREIGN KEY (source_id) REFERENCES public.shop_eventsource(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.intake_connection
    ADD CONSTRAINT intake_connection_connected_by_id_b1ec363d_fk_staff_user_id FOREIGN KEY (connected_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.intake_connection
    ADD CONSTRAINT intake_connection_store_id_56245acc_fk_shop_store_id FOREIGN KEY (store_id) REFERENCES public.shop_store(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.intake_credential
    ADD CONSTRAINT intake_credential_connection_id_d3029910_fk_intake_co FOREIGN KEY (connection_id) REFERENCES public.intake_connection(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.intake_delivery
    ADD CONSTRAINT intake_delivery_connection_id_5eb41dfa_fk_intake_connection_id FOREIGN KEY (connection_id) REFERENCES public.intake_connection(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.intake_import
    ADD CONSTRAINT intake_import_change_set_id_3e1c9682_fk_shop_changeset_id FOREIGN KEY (change_set_id) REFERENCES public.shop_changeset(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.intake_import
    ADD CONSTRAINT intake_import_created_by_id_3a2f49c9_fk_staff_user_id FOREIGN KEY (created_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.intake_import
    ADD CONSTRAINT intake_import_store_id_05bccf59_fk_shop_store_id FOREIGN KEY (store_id) REFERENCES public.shop_store(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.intake_privacyrequest
    ADD CONSTRAINT intake_privacyreques_connection_id_645fe553_fk_intake_co FOREIGN KEY (connection_id) REFERENCES public.intake_connection(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.intake_privacyrequest
    ADD CONSTRAINT intake_privacyrequest_done_by_id_dc385f37_fk_staff_user_id FOREIGN KEY (done_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.intake_reject
    ADD CONSTRAINT intake_reject_imported_id_2eb226f7_fk_intake_import_id FOREIGN KEY (imported_id) REFERENCES public.intake_import(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.intake_shopobject
    ADD CONSTRAINT intake_shopobject_connection_id_aaae21c6_fk_intake_co FOREIGN KEY (connection_id) REFERENCES public.intake_connection(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.intake_writekey
    ADD CONSTRAINT intake_writekey_created_by_id_1c0fafd5_fk_staff_user_id FOREIGN KEY (created_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.intake_writekey
    ADD CONSTRAINT intake_writekey_source_id_3df88c34_fk_shop_eventsource_id FOREIGN KEY (source_id) REFERENCES public.shop_eventsource(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_adoptedplaybook
    ADD CONSTRAINT journeys_adoptedplay_journey_id_e2cfdcd3_fk_journeys_ FOREIGN KEY (journey_id) REFERENCES public.journeys_journey(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_adoptedplaybook
    ADD CONSTRAINT journeys_adoptedplay_turned_on_by_id_b69b44a5_fk_staff_use FOREIGN KEY (turned_on_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_approval
    ADD CONSTRAINT journeys_approval_asked_by_id_6ee9a376_fk_staff_user_id FOREIGN KEY (asked_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_approval
    ADD CONSTRAINT journeys_approval_campaign_id_6b949942_fk_journeys_campaign_id FOREIGN KEY (campaign_id) REFERENCES public.journeys_campaign(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_approval
    ADD CONSTRAINT journeys_approval_decided_by_id_29dec606_fk_staff_user_id FOREIGN KEY (decided_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_approval
    ADD CONSTRAINT journeys_approval_journey_id_4aed6362_fk_journeys_journey_id FOREIGN KEY (journey_id) REFERENCES public.journeys_journey(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_campaign
    ADD CONSTRAINT journeys_campaign_created_by_id_ec7a1fc7_fk_staff_user_id FOREIGN KEY (created_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_campaign
    ADD CONSTRAINT journeys_campaign_offer_id_55462b8f_fk_offers_offer_id FOREIGN KEY (offer_id) REFERENCES public.offers_offer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_campaign
    ADD CONSTRAINT journeys_campaign_segment_id_59e5e949_fk_segments_segment_id FOREIGN KEY (segment_id) REFERENCES public.segments_segment(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_campaign
    ADD CONSTRAINT journeys_campaign_send_id_0d2eac13_fk_messaging_send_id FOREIGN KEY (send_id) REFERENCES public.messaging_send(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_campaignchannel
    ADD CONSTRAINT journeys_campaigncha_campaign_id_ba252bf3_fk_journeys_ FOREIGN KEY (campaign_id) REFERENCES public.journeys_campaign(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_campaignchannel
    ADD CONSTRAINT journeys_campaigncha_channel_id_6c448c04_fk_messaging FOREIGN KEY (channel_id) REFERENCES public.messaging_channel(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_campaignchannel
    ADD CONSTRAINT journeys_campaigncha_template_id_7b7f0c34_fk_messaging FOREIGN KEY (template_id) REFERENCES public.messaging_template(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_campaignchannel
    ADD CONSTRAINT journeys_campaigncha_version_id_9d9ca46f_fk_messaging FOREIGN KEY (version_id) REFERENCES public.messaging_templateversion(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_enrollment
    ADD CONSTRAINT journeys_enrollment_journey_id_20cfd3aa_fk_journeys_journey_id FOREIGN KEY (journey_id) REFERENCES public.journeys_journey(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_enrollment
    ADD CONSTRAINT journeys_enrollment_version_id_338c6fb8_fk_journeys_ FOREIGN KEY (version_id) REFERENCES public.journeys_journeyversion(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_gate
    ADD CONSTRAINT journeys_gate_journey_id_4b9e317e_fk_journeys_journey_id FOREIGN KEY (journey_id) REFERENCES public.journeys_journey(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_journey
    ADD CONSTRAINT journeys_journey_created_by_id_e7fa6eab_fk_staff_user_id FOREIGN KEY (created_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_journey
    ADD CONSTRAINT journeys_journey_current_id_f66ca091_fk_journeys_ FOREIGN KEY (current_id) REFERENCES public.journeys_journeyversion(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_journeyversion
    ADD CONSTRAINT journeys_journeyvers_journey_id_a85186a5_fk_journeys_ FOREIGN KEY (journey_id) REFERENCES public.journeys_journey(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_journeyversion
    ADD CONSTRAINT journeys_journeyvers_published_by_id_69ef4792_fk_staff_use FOREIGN KEY (published_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_ownplaybook
    ADD CONSTRAINT journeys_ownplaybook_added_by_id_251a5f12_fk_staff_user_id FOREIGN KEY (added_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_rehearsal
    ADD CONSTRAINT journeys_rehearsal_journey_id_69f919aa_fk_journeys_journey_id FOREIGN KEY (journey_id) REFERENCES public.journeys_journey(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.journeys_rehearsal
    ADD CONSTRAINT journeys_rehearsal_requested_by_id_73c1d1cb_fk_staff_user_id FOREIGN KEY (requested_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_channel
    ADD CONSTRAINT messaging_channel_created_by_id_13992e4c_fk_staff_user_id FOREIGN KEY (created_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_click
    ADD CONSTRAINT messaging_click_delivery_id_690ac7a5_fk_messaging_delivery_id FOREIGN KEY (delivery_id) REFERENCES public.messaging_delivery(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_click
    ADD CONSTRAINT messaging_click_version_id_2d9cd534_fk_messaging FOREIGN KEY (version_id) REFERENCES public.messaging_templateversion(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_delivery
    ADD CONSTRAINT messaging_delivery_channel_id_f7b79af6_fk_messaging_channel_id FOREIGN KEY (channel_id) REFERENCES public.messaging_channel(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_delivery
    ADD CONSTRAINT messaging_delivery_instead_of_id_505da233_fk_messaging FOREIGN KEY (instead_of_id) REFERENCES public.messaging_delivery(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_delivery
    ADD CONSTRAINT messaging_delivery_send_id_4d1083ed_fk_messaging_send_id FOREIGN KEY (send_id) REFERENCES public.messaging_send(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_opening
    ADD CONSTRAINT messaging_opening_delivery_id_6ee4473f_fk_messaging_delivery_id FOREIGN KEY (delivery_id) REFERENCES public.messaging_delivery(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_pace
    ADD CONSTRAINT messaging_pace_channel_id_928c962b_fk_messaging_channel_id FOREIGN KEY (channel_id) REFERENCES public.messaging_channel(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_send
    ADD CONSTRAINT messaging_send_created_by_id_034f6507_fk_staff_user_id FOREIGN KEY (created_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_send
    ADD CONSTRAINT messaging_send_offer_id_fa4c99d4_fk_offers_offer_id FOREIGN KEY (offer_id) REFERENCES public.offers_offer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_shortlink
    ADD CONSTRAINT messaging_shortlink_version_id_c1f9de52_fk_messaging FOREIGN KEY (version_id) REFERENCES public.messaging_templateversion(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_singlemessage
    ADD CONSTRAINT messaging_singlemess_customer_id_5fcc99e4_fk_shop_cust FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_singlemessage
    ADD CONSTRAINT messaging_singlemess_version_id_b260760d_fk_messaging FOREIGN KEY (version_id) REFERENCES public.messaging_templateversion(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_slotmessage
    ADD CONSTRAINT messaging_slotmessag_delivery_id_0389873f_fk_messaging FOREIGN KEY (delivery_id) REFERENCES public.messaging_delivery(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_stafftask
    ADD CONSTRAINT messaging_stafftask_assignee_id_8357daa6_fk_staff_user_id FOREIGN KEY (assignee_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_stafftask
    ADD CONSTRAINT messaging_stafftask_closed_by_id_b6d96ceb_fk_staff_user_id FOREIGN KEY (closed_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_stafftask
    ADD CONSTRAINT messaging_stafftask_delivery_id_a98d3e34_fk_messaging FOREIGN KEY (delivery_id) REFERENCES public.messaging_delivery(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_suppressedaddress
    ADD CONSTRAINT messaging_suppressed_delivery_id_58411f9f_fk_messaging FOREIGN KEY (delivery_id) REFERENCES public.messaging_delivery(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_template
    ADD CONSTRAINT messaging_template_created_by_id_3f0f0038_fk_staff_user_id FOREIGN KEY (created_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_templateversion
    ADD CONSTRAINT messaging_templateve_template_id_6d83a9df_fk_messaging FOREIGN KEY (template_id) REFERENCES public.messaging_template(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.messaging_templateversion
    ADD CONSTRAINT messaging_templateversion_saved_by_id_4c03962c_fk_staff_user_id FOREIGN KEY (saved_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.mfa_authenticator
    ADD CONSTRAINT mfa_authenticator_user_id_0c3a50c0_fk_staff_user_id FOREIGN KEY (user_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.offers_coupon
    ADD CONSTRAINT offers_coupon_holder_id_491a9595_fk_shop_customer_id FOREIGN KEY (holder_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.offers_coupon
    ADD CONSTRAINT offers_coupon_offer_id_c5c669be_fk_offers_offer_id FOREIGN KEY (offer_id) REFERENCES public.offers_offer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.offers_offer
    ADD CONSTRAINT offers_offer_created_by_id_4bab45e6_fk_staff_user_id FOREIGN KEY (created_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.offers_redemption
    ADD CONSTRAINT offers_redemption_coupon_id_8c92a26b_fk_offers_coupon_id FOREIGN KEY (coupon_id) REFERENCES public.offers_coupon(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.offers_redemption
    ADD CONSTRAINT offers_redemption_customer_id_471e6531_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.offers_redemption
    ADD CONSTRAINT offers_redemption_offer_id_5b36d89d_fk_offers_offer_id FOREIGN KEY (offer_id) REFERENCES public.offers_offer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.offers_redemption
    ADD CONSTRAINT offers_redemption_order_id_e2bd066a_fk_shop_order_id FOREIGN KEY (order_id) REFERENCES public.shop_order(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.offers_redemption
    ADD CONSTRAINT offers_redemption_store_id_3857ef39_fk_shop_store_id FOREIGN KEY (store_id) REFERENCES public.shop_store(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.outbox_delivery
    ADD CONSTRAINT outbox_delivery_event_id_9d7b7ab0_fk_outbox_outboxevent_id FOREIGN KEY (event_id) REFERENCES public.outbox_outboxevent(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.planner_action
    ADD CONSTRAINT planner_action_assignee_id_e1f6cb39_fk_staff_user_id FOREIGN KEY (assignee_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.planner_action
    ADD CONSTRAINT planner_action_closed_by_id_96f091c5_fk_staff_user_id FOREIGN KEY (closed_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.planner_action
    ADD CONSTRAINT planner_action_customer_id_f6b8f841_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.procrastinate_events
    ADD CONSTRAINT procrastinate_events_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.procrastinate_jobs(id) ON DELETE CASCADE;



ALTER TABLE ONLY public.procrastinate_jobs
    ADD CONSTRAINT procrastinate_jobs_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES public.procrastinate_workers(id) ON DELETE SET NULL;



ALTER TABLE ONLY public.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.procrastinate_jobs(id);



ALTER TABLE ONLY public.segments_kepttag
    ADD CONSTRAINT segments_kepttag_by_id_8c9cb4d9_fk_staff_user_id FOREIGN KEY (by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.segments_kepttag
    ADD CONSTRAINT segments_kepttag_segment_id_13b702af_fk_segments_segment_id FOREIGN KEY (segment_id) REFERENCES public.segments_segment(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.segments_kepttag
    ADD CONSTRAINT segments_kepttag_tag_id_9ccc7106_fk_shop_tag_id FOREIGN KEY (tag_id) REFERENCES public.shop_tag(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.segments_membership
    ADD CONSTRAINT segments_membership_segment_id_912e4c68_fk_segments_segment_id FOREIGN KEY (segment_id) REFERENCES public.segments_segment(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.segments_refresh
    ADD CONSTRAINT segments_refresh_segment_id_7ea95464_fk_segments_segment_id FOREIGN KEY (segment_id) REFERENCES public.segments_segment(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.segments_segment
    ADD CONSTRAINT segments_segment_created_by_id_1b9abfaa_fk_staff_user_id FOREIGN KEY (created_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.segments_version
    ADD CONSTRAINT segments_version_saved_by_id_37962864_fk_staff_user_id FOREIGN KEY (saved_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.segments_version
    ADD CONSTRAINT segments_version_segment_id_812474d4_fk_segments_segment_id FOREIGN KEY (segment_id) REFERENCES public.segments_segment(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_account
    ADD CONSTRAINT shop_account_manager_id_2da2aa4d_fk_staff_user_id FOREIGN KEY (manager_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_attributevalue
    ADD CONSTRAINT shop_attributevalue_customer_id_9ee5e28c_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_attributevalue
    ADD CONSTRAINT shop_attributevalue_definition_id_08b097f1_fk_shop_attr FOREIGN KEY (definition_id) REFERENCES public.shop_attributedefinition(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_changedrow
    ADD CONSTRAINT shop_changedrow_change_set_id_ddd2071b_fk_shop_changeset_id FOREIGN KEY (change_set_id) REFERENCES public.shop_changeset(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_consent
    ADD CONSTRAINT shop_consent_by_id_46e3cdba_fk_staff_user_id FOREIGN KEY (by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_consent
    ADD CONSTRAINT shop_consent_customer_id_f47e8a09_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_consentwording
    ADD CONSTRAINT shop_consentwording_made_by_id_dab4d94f_fk_staff_user_id FOREIGN KEY (made_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_contact
    ADD CONSTRAINT shop_contact_account_id_91f97033_fk_shop_account_id FOREIGN KEY (account_id) REFERENCES public.shop_account(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_contact
    ADD CONSTRAINT shop_contact_customer_id_c2e0b9e7_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_customer
    ADD CONSTRAINT shop_customer_merged_into_id_bed36ef0_fk_shop_customer_id FOREIGN KEY (merged_into_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_eventsource
    ADD CONSTRAINT shop_eventsource_store_id_616a56fe_fk_shop_store_id FOREIGN KEY (store_id) REFERENCES public.shop_store(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_identifier
    ADD CONSTRAINT shop_identifier_customer_id_9a90be6a_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_identifier
    ADD CONSTRAINT shop_identifier_store_id_3fe9b14b_fk_shop_store_id FOREIGN KEY (store_id) REFERENCES public.shop_store(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_interaction
    ADD CONSTRAINT shop_interaction_by_id_8023fde5_fk_staff_user_id FOREIGN KEY (by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_interaction
    ADD CONSTRAINT shop_interaction_customer_id_f7bb2b54_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_merge
    ADD CONSTRAINT shop_merge_absorbed_id_dc354836_fk_shop_customer_id FOREIGN KEY (absorbed_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_merge
    ADD CONSTRAINT shop_merge_kept_id_ac0b6a6d_fk_shop_customer_id FOREIGN KEY (kept_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_merge
    ADD CONSTRAINT shop_merge_merged_by_id_2cd8bb95_fk_staff_user_id FOREIGN KEY (merged_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_merge
    ADD CONSTRAINT shop_merge_undone_by_id_e3ad4a44_fk_staff_user_id FOREIGN KEY (undone_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_mergesuggestion
    ADD CONSTRAINT shop_mergesuggestion_first_id_a5a48472_fk_shop_customer_id FOREIGN KEY (first_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_mergesuggestion
    ADD CONSTRAINT shop_mergesuggestion_second_id_237cb4af_fk_shop_customer_id FOREIGN KEY (second_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_order
    ADD CONSTRAINT shop_order_account_id_01539d85_fk_shop_account_id FOREIGN KEY (account_id) REFERENCES public.shop_account(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_order
    ADD CONSTRAINT shop_order_customer_id_f638df20_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_order
    ADD CONSTRAINT shop_order_store_id_b64955cb_fk_shop_store_id FOREIGN KEY (store_id) REFERENCES public.shop_store(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_orderline
    ADD CONSTRAINT shop_orderline_order_id_8ad562c5_fk_shop_order_id FOREIGN KEY (order_id) REFERENCES public.shop_order(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_orderline
    ADD CONSTRAINT shop_orderline_product_id_3f3985f6_fk_shop_product_id FOREIGN KEY (product_id) REFERENCES public.shop_product(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_overlap
    ADD CONSTRAINT shop_overlap_earlier_id_deb07b72_fk_shop_changeset_id FOREIGN KEY (earlier_id) REFERENCES public.shop_changeset(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_overlap
    ADD CONSTRAINT shop_overlap_later_id_3e180551_fk_shop_changeset_id FOREIGN KEY (later_id) REFERENCES public.shop_changeset(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_privacyact
    ADD CONSTRAINT shop_privacyact_by_id_346bd38d_fk_staff_user_id FOREIGN KEY (by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_privacyact
    ADD CONSTRAINT shop_privacyact_customer_id_242ba14e_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_privacyrequest
    ADD CONSTRAINT shop_privacyrequest_customer_id_e8ebdc66_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_privacyrequest
    ADD CONSTRAINT shop_privacyrequest_decided_by_id_d309a10d_fk_staff_user_id FOREIGN KEY (decided_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_product
    ADD CONSTRAINT shop_product_store_id_a6f6a616_fk_shop_store_id FOREIGN KEY (store_id) REFERENCES public.shop_store(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_refund
    ADD CONSTRAINT shop_refund_customer_id_3efef519_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_refund
    ADD CONSTRAINT shop_refund_order_id_0ad89e2e_fk_shop_order_id FOREIGN KEY (order_id) REFERENCES public.shop_order(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_refund
    ADD CONSTRAINT shop_refund_product_id_5fbaf005_fk_shop_product_id FOREIGN KEY (product_id) REFERENCES public.shop_product(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_refund
    ADD CONSTRAINT shop_refund_store_id_cb0cc156_fk_shop_store_id FOREIGN KEY (store_id) REFERENCES public.shop_store(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_tagging
    ADD CONSTRAINT shop_tagging_customer_id_e48fbe5f_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_tagging
    ADD CONSTRAINT shop_tagging_tag_id_98a59ae4_fk_shop_tag_id FOREIGN KEY (tag_id) REFERENCES public.shop_tag(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_taggingbatch
    ADD CONSTRAINT shop_taggingbatch_by_id_78b618a1_fk_staff_user_id FOREIGN KEY (by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_taggingbatch
    ADD CONSTRAINT shop_taggingbatch_tag_id_09141507_fk_shop_tag_id FOREIGN KEY (tag_id) REFERENCES public.shop_tag(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_taggingbatch
    ADD CONSTRAINT shop_taggingbatch_undoes_id_a47f6910_fk_shop_taggingbatch_id FOREIGN KEY (undoes_id) REFERENCES public.shop_taggingbatch(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_taggingchange
    ADD CONSTRAINT shop_taggingchange_batch_id_085efada_fk_shop_taggingbatch_id FOREIGN KEY (batch_id) REFERENCES public.shop_taggingbatch(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_taggingchange
    ADD CONSTRAINT shop_taggingchange_customer_id_28c6d3d5_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_visitor
    ADD CONSTRAINT shop_visitor_store_id_c13826a8_fk_shop_store_id FOREIGN KEY (store_id) REFERENCES public.shop_store(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_visitorlink
    ADD CONSTRAINT shop_visitorlink_customer_id_136a80b3_fk_shop_customer_id FOREIGN KEY (customer_id) REFERENCES public.shop_customer(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.shop_visitorlink
    ADD CONSTRAINT shop_visitorlink_visitor_id_41cbd577_fk_shop_visitor_id FOREIGN KEY (visitor_id) REFERENCES public.shop_visitor(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.staff_apikey
    ADD CONSTRAINT staff_apikey_created_by_id_a2d75755_fk_staff_user_id FOREIGN KEY (created_by_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.staff_user_groups
    ADD CONSTRAINT staff_user_groups_group_id_f268c67d_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES public.auth_group(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.staff_user_groups
    ADD CONSTRAINT staff_user_groups_user_id_d6a7bab4_fk_staff_user_id FOREIGN KEY (user_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.staff_user_user_permissions
    ADD CONSTRAINT staff_user_user_perm_permission_id_f36572eb_fk_auth_perm FOREIGN KEY (permission_id) REFERENCES public.auth_permission(id) DEFERRABLE INITIALLY DEFERRED;



ALTER TABLE ONLY public.staff_user_user_permissions
    ADD CONSTRAINT staff_user_user_permissions_user_id_47d1712b_fk_staff_user_id FOREIGN KEY (user_id) REFERENCES public.staff_user(id) DEFERRABLE INITIALLY DEFERRED;
