//! Leads through both doors, under each of the tenants.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::world::{LEADS, TENANTS, World, on_both};

on_both!(
    a_lead_is_seen_by_its_tenant_alone,
    a_lead_lives_its_life,
    lists_are_filtered_sorted_and_paged,
    reports_add_up,
    a_goal_is_set_and_replaced_by_its_tenant_alone
);

async fn a_lead_is_seen_by_its_tenant_alone(world: World) {
    for (number, owner) in TENANTS.into_iter().enumerate() {
        let id = world.add(owner, &format!("Probe Number{number}")).await;
        let sent = world
            .form(
                owner,
                "/leads",
                &format!("name=Form+Number{number}&email=form%40example.com&value=700"),
            )
            .await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{sent:?}");
        for tenant in TENANTS {
            let seen = tenant == owner;
            let list = world
                .get(tenant, &format!("/api/leads?q=number{number}"))
                .await;
            assert_eq!(
                list.json().as_array().unwrap().len(),
                if seen { 2 } else { 0 },
                "{tenant} {list:?}"
            );
            let page = world.get(tenant, &format!("/leads?q=number{number}")).await;
            assert_eq!(page.status, StatusCode::OK);
            assert_eq!(
                page.body.contains(&format!("Form Number{number}")),
                seen,
                "{tenant} sees a lead of {owner}"
            );
            let one = world.get(tenant, &format!("/api/leads/{id}")).await;
            assert_eq!(
                one.status,
                if seen {
                    StatusCode::OK
                } else {
                    StatusCode::NOT_FOUND
                }
            );
            let start = world.get(tenant, "/").await;
            assert_eq!(
                start.body.contains(&format!("Form Number{number}")),
                seen,
                "{tenant}"
            );
        }
    }
    for tenant in TENANTS {
        assert_eq!(world.count(tenant).await, LEADS as u64 + 2, "{tenant}");
    }
}

async fn a_lead_lives_its_life(world: World) {
    for tenant in TENANTS {
        let id = world.add(tenant, "Grace Hopper").await;
        let path = format!("/api/leads/{id}");
        let changed = world
            .json(
                tenant,
                Method::PATCH,
                &path,
                &json!({ "status": "won", "value": 12_345 }),
            )
            .await;
        assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
        let lead = world.get(tenant, &path).await.json();
        assert_eq!(
            (lead["name"].as_str(), lead["status"].as_str()),
            (Some("Grace Hopper"), Some("won"))
        );
        assert_eq!(
            (lead["value"].as_i64(), lead["email"].as_str()),
            (Some(12_345), Some("probe@example.com"))
        );

        let page = world.get(tenant, &format!("/leads/{id}")).await;
        assert!(
            page.body.contains("Open → Won") && page.body.contains("€12,345"),
            "{page:?}"
        );
        let edit = world.get(tenant, &format!("/leads/{id}/edit")).await;
        assert!(edit.body.contains("value=\"Grace Hopper\""), "{edit:?}");
        let saved = world
            .form(
                tenant,
                &format!("/leads/{id}"),
                "name=Grace+B.+Hopper&email=g%40navy.example&status=lost",
            )
            .await;
        assert_eq!(saved.header("location"), format!("/leads/{id}?done=saved"));
        let noted = world
            .form(tenant, &format!("/leads/{id}/notes"), "body=Found+a+moth")
            .await;
        assert_eq!(noted.status, StatusCode::SEE_OTHER);
        let page = world.get(tenant, &format!("/leads/{id}?done=saved")).await;
        for text in [
            "Grace B. Hopper",
            "Won → Lost",
            "Found a moth",
            "Your changes were saved.",
        ] {
            assert!(page.body.contains(text), "{text}: {page:?}");
        }

        assert_eq!(
            world.bare(tenant, Method::DELETE, &path).await.status,
            StatusCode::NO_CONTENT
        );
        assert_eq!(world.get(tenant, &path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(
            world.bare(tenant, Method::DELETE, &path).await.status,
            StatusCode::NOT_FOUND
        );
        assert_eq!(world.count(tenant).await, LEADS as u64);
    }
}

async fn lists_are_filtered_sorted_and_paged(world: World) {
    for tenant in TENANTS {
        for (name, value) in [("Zz Sortable", 5), ("Aa Sortable", 7), ("Mm Sortable", 6)] {
            let body = json!({ "name": name, "email": "s@example.com", "status": "proposal", "value": value });
            assert_eq!(
                world
                    .json(tenant, Method::POST, "/api/leads", &body)
                    .await
                    .status,
                StatusCode::CREATED
            );
        }
        let names = async |query: &str| {
            let list = world
                .get(tenant, &format!("/api/leads?q=sortable&{query}"))
                .await;
            let names: Vec<String> = list
                .json()
                .as_array()
                .unwrap()
                .iter()
                .map(|lead| lead["name"].as_str().unwrap()[..2].to_owned())
                .collect();
            (names.join(" "), list.header("x-total-count").to_owned())
        };
        let three = |text: &str| (text.to_owned(), "3".to_owned());
        assert_eq!(names("sort=name").await, three("Aa Mm Zz"));
        assert_eq!(names("sort=company").await, three("Aa Mm Zz"));
        assert_eq!(names("sort=value").await, three("Aa Mm Zz"));
        assert_eq!(
            names("status=proposal&limit=2&sort=name&page=2").await,
            three("Zz")
        );
        assert_eq!(names("status=won").await, (String::new(), "0".to_owned()));

        // A wildcard is a letter, and a page without leads is a page.
        assert_eq!(
            world.get(tenant, "/api/leads?q=%25").await.json(),
            json!([])
        );
        let second = world.get(tenant, "/leads?page=2").await;
        assert!(second.body.contains("26–33 of 33 leads"), "{second:?}");
        for odd in [
            "/leads?page=9999",
            "/leads?page=-1&sort=x&status=y",
            "/leads?q=%00%27%22%3Cb%3E",
        ] {
            let page = world.get(tenant, odd).await;
            assert_eq!(page.status, StatusCode::OK, "{odd}");
            assert!(!page.body.contains("<b>"));
        }
    }
}

async fn reports_add_up(world: World) {
    for tenant in TENANTS {
        let report = world.get(tenant, "/api/reports/pipeline").await.json();
        let steps = report["pipeline"].as_array().unwrap();
        assert_eq!(steps.len(), 7);
        assert_eq!(
            steps
                .iter()
                .map(|step| step["leads"].as_u64().unwrap())
                .sum::<u64>(),
            LEADS as u64
        );
        assert_eq!(
            steps
                .iter()
                .map(|step| step["value"].as_i64().unwrap())
                .sum::<i64>(),
            report["value"].as_i64().unwrap()
        );
        for path in ["/", "/reports", "/leads", "/leads/new", "/users"] {
            let page = world.get(tenant, path).await;
            assert_eq!(page.status, StatusCode::OK, "{tenant}{path}: {page:?}");
            assert!(page.body.contains("</html>"));
        }
    }
}

async fn a_goal_is_set_and_replaced_by_its_tenant_alone(world: World) {
    let path = "/api/reports/goal";
    for (number, tenant) in TENANTS.into_iter().enumerate() {
        // Nobody else's goal is there yet, and setting it twice leaves one row.
        assert_eq!(
            world.get(tenant, path).await.json()["goal"],
            json!(null),
            "{tenant}"
        );
        for goal in [1, 40_000 + number] {
            let set = world
                .json(tenant, Method::PUT, path, &json!({ "value": goal }))
                .await;
            assert_eq!(set.status, StatusCode::OK, "{set:?}");
            assert_eq!(set.json()["goal"], json!(goal), "{tenant}");
        }
    }
    for (number, tenant) in TENANTS.into_iter().enumerate() {
        let goal = world.get(tenant, path).await.json();
        assert_eq!(goal["goal"], json!(40_000 + number), "{tenant}");
        // The team adds up to the leads that somebody looks after.
        let pending: i64 = goal["team"]
            .as_array()
            .unwrap()
            .iter()
            .map(|member| member["pending"].as_i64().unwrap())
            .sum();
        assert!(pending > 0 && pending <= LEADS as i64, "{goal}");

        let sent = world.form(tenant, "/reports/goal", "value=77000").await;
        assert_eq!(sent.header("location"), "/reports?done=goal");
        let page = world.get(tenant, "/reports?done=goal").await;
        assert!(
            page.body.contains("The goal was set.") && page.body.contains("€77,000"),
            "{page:?}"
        );
        let wrong = world.form(tenant, "/reports/goal", "value=lots").await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            wrong.body.contains("Enter whole euros") && wrong.body.contains("value=\"lots\""),
            "{wrong:?}"
        );
    }
}
