"""The transfer: a generated image is copied from its source to Cloudinary.

attempt             what the steps of one attempt need to know
copying             one image from source to storage, in one pass
source              where an image lies, behind a signed URL
source_targets      which URLs and redirects may be followed
public_addresses    which addresses a source may have
images              where an image ends, and of which type it is
spool               a bounded file for an image of unknown length
storage             the upload to Cloudinary
storage_answers     what Cloudinary answers to an upload
retry_after         the ``Retry-After`` header of either
cloudinary_account  what the Admin API says of the account, for ``doctor``
"""
