//! A router that knows its routes: each is added in one place, and the document of them can be compared with the list.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use handfast_middleware::RouteRule;

use super::{App, up_to_date};

/// Routes as they are added.
pub(super) struct Routes {
    router: Router<App>,
    known: Vec<(&'static str, &'static str)>,
}

/// The methods there are. HEAD comes with GET.
#[derive(Clone, Copy)]
pub(super) enum Method {
    Get,
    Post,
}

impl Method {
    const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
        }
    }

    /// The word.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

impl Routes {
    pub(super) fn new() -> Self {
        Self { router: Router::new(), known: Vec::new() }
    }

    pub(super) fn get<H: Handler<T, App>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add(Method::Get, path, on(Method::Get.filter(), handler))
    }

    pub(super) fn post<H: Handler<T, App>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add(Method::Post, path, on(Method::Post.filter(), handler))
    }

    /// A route behind a token for the registry, checked by the project's own middleware.
    pub(super) fn behind<H: Handler<T, App>, T: 'static>(
        self,
        app: &App,
        rule: RouteRule,
        (method, path): (Method, &'static str),
        handler: H,
    ) -> Self {
        // the guard inside, so that what it knows is brought up to date first
        let routes = on(method.filter(), handler).route_layer(app.guard.protect(rule));
        self.add(method, path, routes.route_layer(from_fn_with_state(Arc::clone(app), up_to_date)))
    }

    fn add(mut self, method: Method, path: &'static str, routes: MethodRouter<App>) -> Self {
        self.known.push((method.as_str(), path));
        Self { router: self.router.route(path, routes), known: self.known }
    }

    /// Every route, by method and path, as they were added.
    pub(super) fn known(&self) -> &[(&'static str, &'static str)] {
        &self.known
    }

    pub(super) fn into_router(self) -> Router<App> {
        self.router
    }
}
