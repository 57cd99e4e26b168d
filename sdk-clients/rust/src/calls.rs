//! What turns a line about an RPC into a method of the client.

/// Methods of [`Client`](crate::Client), one for each RPC of a service: its
/// documentation, its name and messages, what it is refused with, and the
/// field that makes a repeated request the same one, if it has any. Where that
/// field is empty an id is made up, so that this client's own retries never do
/// anything twice.
macro_rules! calls {
    ($service:ident; $(
        $(#[$doc:meta])*
        $name:ident = $rpc:ident($request:ident) -> $response:ident
            refused $reasons:literal $(, once by $id:ident)?;
    )*) => {
        impl crate::Client {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                #[doc = concat!("`FIELD_INVALID`, ", $reasons, "; what is retryable once")]
                /// retries are used up.
                pub async fn $name(
                    &self,
                    mut request: everturn_proto::v1::$request,
                ) -> Result<everturn_proto::v1::$response, crate::Error> {
                    self.place(&mut request.namespace);
                    $(if request.$id.is_empty() {
                        request.$id = crate::client::random_id();
                    })?
                    let service = self.$service();
                    // Requests are large, and so would be the futures of all who call.
                    Box::pin(self.unary(request, std::time::Duration::ZERO, |request| {
                        let mut service = service.clone();
                        async move { service.$rpc(request).await }
                    }))
                    .await
                }
            )*
        }
    };
}

pub(crate) use calls;
