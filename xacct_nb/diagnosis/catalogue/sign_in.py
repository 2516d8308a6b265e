"""Causes that keep a profile from signing in, so that no request with it reaches AWS's policies."""

from xacct_nb.diagnosis.cause import CLIENT, LIKELY, KnownCause

SIGN_IN_CAUSES = (
    KnownCause("A9", "login-session-expired", CLIENT,
        why="The profile has a login_session, and its session (aws login) has expired or was never made.",
        mend="Sign in again: aws login --profile NAME (aws sso login does not renew it).",
        text=r"using 'aws login'|`aws login` session|signed in with `aws login`"
        r"|Error loading login session token|refreshing a login session profile"),
    KnownCause("A9", "login-session-needs-crt", CLIENT,
        why="The profile has a login_session (aws login), which SDKs for Python use only with awscrt.",
        mend="Install it: pip install 'xacct-nb[crt]', or elsewhere pip install 'botocore[crt]'.",
        text=r"Missing Dependency: Using the login credential provider"
        r"|login_session \(`aws login`\), which needs"),
    KnownCause("A15", "no-terminal-for-mfa", CLIENT,
        why="The profile has mfa_serial, and there is no terminal to ask for the code.",
        mend="Get a session first, and name its profile; or run this in a terminal.",
        text=r"needs an MFA code, and there is nobody to ask|EOF when reading a line"),
    KnownCause("A19", "credential-process-failed", CLIENT,
        why="The profile's credential_process gave no credentials: it failed, did not end, or printed "
        "something else.",
        mend="Run the command of credential_process by hand; it must print JSON with Version 1.",
        text=r"Its credential_process (?:ended|did not end|printed|cannot be)|credentials from custom-process"
        r"|credential process provider"),
    KnownCause("A7", "no-machine-credentials", CLIENT,
        why="The profile takes credentials from the container or the instance, and this machine gives none.",
        mend="Run it on that machine, or name another profile; check the AWS_CONTAINER_ variables.",
        text=r"credentials from (?:container-role|iam-role)|Error retrieving metadata"),
    KnownCause("A19", "web-identity-token-unusable", CLIENT,
        why="The file of web_identity_token_file holds no token that STS accepts.",
        mend="Check that the file exists, is not empty, and is renewed by what wrote it.",
        text=r"parameter WebIdentityToken"
        r"|InvalidIdentityToken(?!.*(?:No OpenIDConnect|[Ii]ncorrect token audience))"
        r"|IDPRejectedClaim|ExpiredIdentityToken"),
    KnownCause("F5", "tls-failure", CLIENT,
        why="The TLS connection failed, so no request was sent.",
        mend="Check the clock and the proxy. Where a proxy opens TLS, name its certificate: AWS_CA_BUNDLE.",
        text=r"SSL validation failed|SSLError|CERTIFICATE_VERIFY_FAILED|certificate verify failed|SSL: "),
    KnownCause("F5", "not-aws-endpoint", CLIENT,
        why="Something else than AWS answered: a proxy, the sign-in page of a network, or another server.",
        mend="Check the network, HTTPS_PROXY and AWS_ENDPOINT_URL.",
        text=r"is no response of AWS|Unable to parse response"
        r"|\(\d{3}\) when calling the (?:GetCallerIdentity|GetSessionToken|AssumeRole\w*) operation"),
    KnownCause("F7", "no-region", CLIENT,
        why="The profile has no region, or none that exists.",
        mend="Set one: aws configure set region REGION --profile NAME.",
        text=r"You must specify a region|It has no region|Provided region_name|\(NoRegion\)|MissingRegion"
        r"|Region is missing|Unable to find a region|Missing region in config"),
    KnownCause("A19", "invalid-setting", CLIENT,
        why="A setting of the profile or of the environment is not valid, so no client can be made.",
        mend="Correct the setting that the text names, or remove it.",
        text=r"invalid defaults mode|InvalidConfigError|InvalidRetryConfiguration|InvalidRetryMode"
        r"|InvalidMaxRetry|InvalidSTSRegionalEndpoints|regional endpoints option|InvalidIMDSEndpoint"
        r"|services configuration|Not supported URL scheme"
        r"|no (?:valid )?URL|is no URL|Failed to parse: |Invalid endpoint|sso-session does not exist"
        r"|missing the following configuration|Partial credentials found|no role ARN configured"),
    KnownCause("A19", "unusable-key", CLIENT,
        why="A key of the profile is empty, or has a character that no key has.",
        mend="Copy both keys again, each into one line without spaces.",
        text=r"One of its keys is empty|has a space, a line break or a character that no key has"),
    KnownCause("A19", "cannot-sign-in", CLIENT, sure=LIKELY,
        why="The profile cannot sign in, so AWS does not know who calls.",
        mend="Test it: aws sts get-caller-identity --profile NAME.",
        text=r"cannot sign in\.(?!.*(?:Its credential_process (?:ended|did not|printed|cannot)"
        r"|It has no credentials|is no URL|no response of AWS|One of its keys|that no key has"
        r"|login_session))|\(OptInRequired\) when calling the GetCallerIdentity operation"),
)  # fmt: skip
