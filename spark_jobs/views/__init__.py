"""Views: read models without printing, shared by the command line, the web page and alerts. No JVM here."""
