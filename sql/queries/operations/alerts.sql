-- name: note_findings
select coursegen.note_findings_v1(%(found)s, %(after_s)s, %(gap)s, %(gap_s)s);

-- name: claim_alert
select * from coursegen.claim_alert_v1(%(hold_s)s);

-- name: finish_alert
select coursegen.finish_alert_v1(%(finding)s, %(held_until)s, %(event)s, %(wait_s)s);
