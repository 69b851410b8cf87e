-- The groups whose members administer an application, so that no change leaves it without anybody who can.

ALTER TABLE throng_application ADD COLUMN administrators TEXT NOT NULL DEFAULT '[]';
