"""What each verb can be told, one file a verb: parsed and checked before anything heavy is imported."""
